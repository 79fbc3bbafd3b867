//! Text files, read in one way: see [`rumormill_proto::text`].

use std::path::Path;

use rumormill_proto::text::decode;

use crate::term::exit::Usage;

/// Returns the text of a file.
///
/// # Errors
/// Fails if the file can't be read, or is not text in UTF-8. The error names the file.
pub(crate) fn read(path: &Path) -> Result<String, Usage> {
    let name = path.display();
    let bytes =
        std::fs::read(path).map_err(|error| Usage(format!("cannot read {name}: {error}")))?;
    decode(bytes).map_err(|error| Usage(format!("cannot read {name}: {error}")))
}
