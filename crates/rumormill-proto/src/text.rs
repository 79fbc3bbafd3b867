//! Text files in the form that other programs write them, normalized: UTF-8 without a byte order mark,
//! lines that end with a line feed. Other files are refused with their kind.

/// Why a file is not text that can be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TextError {
    /// It is compressed.
    #[error("it is compressed ({0}); decompress it first")]
    Compressed(&'static str),
    /// It is text in another encoding.
    #[error("it is text in {0}; save it as UTF-8")]
    Encoding(&'static str),
    /// A line is not UTF-8.
    #[error("line {line} is not text in UTF-8; save the file as UTF-8")]
    NotUtf8 {
        /// The number of the line, from 1.
        line: u64,
    },
    /// A line holds a zero byte.
    #[error("line {line} holds a zero byte: this is a binary file, or text that is not UTF-8")]
    Binary {
        /// The number of the line, from 1.
        line: u64,
    },
}

/// The first bytes of compressed files.
const COMPRESSED: [(&[u8], &str); 5] = [
    (b"\x1f\x8b", "gzip"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"\xfd7zXZ\0", "xz"),
    (b"BZh", "bzip2"),
    (b"PK\x03\x04", "zip"),
];

/// The first bytes of text in other encodings; the longer ones first.
const ENCODINGS: [(&[u8], &str); 4] = [
    (b"\xff\xfe\0\0", "UTF-32"),
    (b"\0\0\xfe\xff", "UTF-32"),
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
];

/// Returns the compression of a file, by its first bytes.
#[must_use]
pub fn compression(start: &[u8]) -> Option<&'static str> {
    COMPRESSED.iter().find(|(magic, _)| start.starts_with(magic)).map(|&(_, name)| name)
}

/// Returns the text of a file: without a byte order mark, and with a line feed at the end of each line
/// in place of CR LF or CR.
///
/// # Errors
/// Fails if the file is compressed, in another encoding than UTF-8, or not text.
///
/// ```
/// use rumormill_proto::text::decode;
/// assert_eq!(decode(b"\xef\xbb\xbf0 1\r\n1 2\r".to_vec()).as_deref(), Ok("0 1\n1 2\n"));
/// let error = decode(b"fine\n\xe9\n".to_vec()).unwrap_err();
/// assert!(error.to_string().starts_with("line 2 is not text in UTF-8"));
/// ```
pub fn decode(bytes: Vec<u8>) -> Result<String, TextError> {
    if let Some(name) = compression(&bytes) {
        return Err(TextError::Compressed(name));
    }
    if let Some((_, name)) = ENCODINGS.iter().find(|(mark, _)| bytes.starts_with(mark)) {
        return Err(TextError::Encoding(name));
    }
    if let Some(at) = bytes.iter().position(|&byte| byte == 0) {
        return Err(TextError::Binary { line: line_of(&bytes, at) });
    }
    let mut text = String::from_utf8(bytes).map_err(|error| TextError::NotUtf8 {
        line: line_of(error.as_bytes(), error.utf8_error().valid_up_to()),
    })?;
    if text.starts_with('\u{feff}') {
        text.drain(..'\u{feff}'.len_utf8());
    }
    if text.contains('\r') {
        text = text.replace("\r\n", "\n").replace('\r', "\n");
    }
    Ok(text)
}

/// Returns the number of the line of a byte, from 1.
fn line_of(bytes: &[u8], at: usize) -> u64 {
    let before = &bytes[..at];
    let ends = (0..before.len()).filter(|&i| {
        before[i] == b'\n' || (before[i] == b'\r' && bytes.get(i + 1) != Some(&b'\n'))
    });
    1 + ends.count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_and_line_ends_are_made_plain() {
        for (bytes, text) in [
            (&b""[..], ""),
            (b"\xef\xbb\xbf", ""),
            (b"\xef\xbb\xbfa\n", "a\n"),
            (b"a\r\nb\r\n", "a\nb\n"),
            (b"a\rb\r", "a\nb\n"),
            (b"a\r\n\rb", "a\n\nb"),
            (b"a\nb", "a\nb"),
        ] {
            assert_eq!(decode(bytes.to_vec()).as_deref(), Ok(text), "{bytes:?}");
        }
    }

    #[test]
    fn what_is_no_text_is_named_with_its_line() {
        for (bytes, error) in [
            (&b"\x1f\x8b\x08\0"[..], TextError::Compressed("gzip")),
            (b"\x28\xb5\x2f\xfd\0", TextError::Compressed("zstd")),
            (b"PK\x03\x04", TextError::Compressed("zip")),
            (b"\xff\xfea\0", TextError::Encoding("UTF-16")),
            (b"\xfe\xff\0a", TextError::Encoding("UTF-16")),
            (b"\xff\xfe\0\0a\0\0\0", TextError::Encoding("UTF-32")),
            (b"a\nb\r\nc\xff\n", TextError::NotUtf8 { line: 3 }),
            (b"a\rb\r\xe9", TextError::NotUtf8 { line: 3 }),
            (b"a\n\x7fELF\0", TextError::Binary { line: 2 }),
        ] {
            assert_eq!(decode(bytes.to_vec()), Err(error), "{bytes:?}");
        }
    }
}
