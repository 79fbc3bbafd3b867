//! The web page: the files of the folder `page`, which are part of the program, and how they are
//! served.
//!
//! Every agent with an HTTP address serves the page at `/`, beside its API. [`site::Site`] serves it
//! without an agent. A file's path on the server is its path in the folder, and `/` is `index.html`.

pub mod site;

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Write as _;
use std::sync::{LazyLock, OnceLock};

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use flate2::Compression;
use flate2::write::GzEncoder;
use include_dir::{Dir, include_dir};

/// What the page may load and do: only what its own host serves; no inline script, no frame around it.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; \
     style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; worker-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The headers of every answer with a file of the page.
const GUARDS: [(HeaderName, &str); 3] = [
    (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
];

/// Files below this go as they are: compressing them saves no packet.
const SMALL: usize = 1400;

/// For files whose names change with their content.
const FOREVER: &str = "public, max-age=31536000, immutable";
/// For all others: a browser asks each time, and mostly gets "not modified".
const ASK: &str = "no-cache";

static FOLDER: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/page");

static ASSETS: LazyLock<BTreeMap<&'static str, Asset>> = LazyLock::new(|| {
    let mut assets = BTreeMap::new();
    collect(&FOLDER, &mut assets);
    assets
});

fn collect(folder: &'static Dir<'static>, assets: &mut BTreeMap<&'static str, Asset>) {
    for file in folder.files() {
        if let Some(path) = file.path().to_str() {
            assets.insert(path, Asset::new(path, file.contents()));
        }
    }
    for folder in folder.dirs() {
        collect(folder, assets);
    }
}

/// A file of the page.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Asset {
    /// Its path in the folder, such as `index.html`.
    pub path: &'static str,
    /// Its content.
    pub bytes: &'static [u8],
    /// Its media type, such as `text/html; charset=utf-8`.
    pub media_type: &'static str,
    /// Its entity tag, quotes included. It changes with the content.
    pub etag: String,
    /// Whether its name changes with its content, so that a browser may keep it for ever.
    pub immutable: bool,
    /// Its content compressed, once a browser has asked for it so.
    gzipped: OnceLock<Bytes>,
}

impl Asset {
    fn new(path: &'static str, bytes: &'static [u8]) -> Self {
        let mut hasher = DefaultHasher::new();
        bytes.hash(&mut hasher);
        Self {
            path,
            bytes,
            media_type: media_type(path),
            etag: format!("\"{:016x}\"", hasher.finish()),
            immutable: is_hashed(path),
            gzipped: OnceLock::new(),
        }
    }

    /// Returns the content compressed with gzip; `None` if that would save nothing.
    pub fn gzipped(&self) -> Option<Bytes> {
        let packed = self.path.ends_with(".woff2") || self.path.ends_with(".png");
        if packed || self.bytes.len() < SMALL {
            return None;
        }
        let compress = || {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
            let written = encoder.write_all(self.bytes).and_then(|()| encoder.finish());
            // Memory does not fail to be written to.
            Bytes::from(written.unwrap_or_default())
        };
        Some(self.gzipped.get_or_init(compress).clone())
    }

    /// Returns whether the header `if-none-match` has this file's tag.
    fn is_known(&self, headers: &HeaderMap) -> bool {
        let tags = headers.get_all(header::IF_NONE_MATCH).iter();
        let mut tags = tags.filter_map(|tags| tags.to_str().ok()).flat_map(|tags| tags.split(','));
        tags.any(|tag| {
            let tag = tag.trim();
            tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == self.etag
        })
    }
}

/// Returns the file at a path of the server, such as `/` or `/assets/app.js`; `None` if there is none.
/// The path must be written as in a link of the page: it is not decoded.
pub fn asset(path: &str) -> Option<&'static Asset> {
    let path = path.strip_prefix('/')?;
    ASSETS.get(if path.is_empty() { "index.html" } else { path })
}

/// Returns all files of the page, in the order of their paths.
pub fn assets() -> impl Iterator<Item = &'static Asset> {
    ASSETS.values()
}

/// Answers a request for a file of the page; `None` if the page has no such file.
pub(crate) fn answer(method: &Method, path: &str, headers: &HeaderMap) -> Option<Response> {
    if !matches!(*method, Method::GET | Method::HEAD) {
        return None;
    }
    let asset = asset(path)?;
    let mut response = if asset.is_known(headers) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let packed = if takes_gzip(headers) { asset.gzipped() } else { None };
        let encoded = packed.is_some();
        let bytes = packed.unwrap_or(Bytes::from_static(asset.bytes));
        let mut response = Body::from(bytes).into_response();
        if encoded {
            let gzip = HeaderValue::from_static("gzip");
            response.headers_mut().insert(header::CONTENT_ENCODING, gzip);
        }
        let media_type = HeaderValue::from_static(asset.media_type);
        response.headers_mut().insert(header::CONTENT_TYPE, media_type);
        response
    };
    let kept = if asset.immutable { FOREVER } else { ASK };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(kept));
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    // The same content in other bytes: a weak tag.
    let weak = if headers.contains_key(header::CONTENT_ENCODING) { "W/" } else { "" };
    if let Ok(etag) = HeaderValue::from_str(&format!("{weak}{}", asset.etag)) {
        headers.insert(header::ETAG, etag);
    }
    guard(headers);
    Some(response)
}

/// Returns whether the header `accept-encoding` has gzip, and not with the weight 0.
fn takes_gzip(headers: &HeaderMap) -> bool {
    let taken = headers.get_all(header::ACCEPT_ENCODING).iter();
    let mut taken =
        taken.filter_map(|names| names.to_str().ok()).flat_map(|names| names.split(','));
    taken.any(|name| {
        let (name, weight) = name.split_once(';').unwrap_or((name, ""));
        let refused = weight.trim().strip_prefix("q=").is_some_and(|q| q.parse() == Ok(0.0));
        name.trim().eq_ignore_ascii_case("gzip") && !refused
    })
}

/// Adds the headers that restrict what a browser does with an answer.
fn guard(headers: &mut HeaderMap) {
    for (name, value) in GUARDS {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

/// Returns the media type that belongs to the end of a file's name.
fn media_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map_or("", |(_, end)| end) {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "txt" => "text/plain; charset=utf-8",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "wasm" => "application/wasm",
        "woff2" => "font/woff2",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/vnd.microsoft.icon",
        _ => "application/octet-stream",
    }
}

/// Returns whether a name has the hash that Vite adds: `assets/app-Bq3x_Z0a.js`. A word of eight
/// letters, as in `app-settings.js`, is none: it has no digit, and no capital after its first letter.
fn is_hashed(path: &str) -> bool {
    const LENGTH: usize = 8;
    let name = path.rsplit_once('/').map(|(_, name)| name);
    let Some((stem, _)) = name.and_then(|name| name.split_once('.')) else { return false };
    let Some((rest, hash)) =
        stem.len().checked_sub(LENGTH).and_then(|at| stem.split_at_checked(at))
    else {
        return false;
    };
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    rest.len() > 1
        && rest.ends_with('-')
        && hash.bytes().all(allowed)
        && (hash.bytes().any(|byte| byte.is_ascii_digit())
            || hash.bytes().skip(1).any(|byte| byte.is_ascii_uppercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_a_hash_are_told_from_names_without() {
        for hashed in [
            "assets/index-Bq3x_Z0a.js",
            "assets/KaTeX_Main-Regular-B22Nviop.woff2",
            "a/b-_-aB-xyz.js",
        ] {
            assert!(is_hashed(hashed), "{hashed}");
        }
        for plain in [
            "index.html",
            "engine.wasm",
            "index-Bq3x_Z0a.js",
            "assets/app-settings.js",
            "assets/KaTeX_Main-Regular.woff2",
            "assets/-Bq3x_Z0a.js",
            "assets/Bq3x_Z0a.js",
            "assets/x",
            "assets/äöüäöüäöü.js",
        ] {
            assert!(!is_hashed(plain), "{plain}");
        }
    }

    #[test]
    fn the_page_has_a_start_and_only_files_of_known_types() {
        assert_eq!(asset("/").unwrap().path, "index.html");
        assert_eq!(asset("/").unwrap().media_type, "text/html; charset=utf-8");
        for asset in assets() {
            assert_ne!(asset.media_type, "application/octet-stream", "{}", asset.path);
            assert!(!asset.bytes.is_empty(), "{}", asset.path);
        }
    }

    #[test]
    fn gzip_is_sent_to_those_who_take_it() {
        let takes = |text: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(text));
            takes_gzip(&headers)
        };
        for text in ["gzip", "gzip, deflate, br", "br;q=1.0, GZIP;q=0.8", "x , gzip ;q=1"] {
            assert!(takes(text), "{text}");
        }
        for text in ["", "br", "gzip;q=0", "identity, gzip;q=0.000", "gzipped"] {
            assert!(!takes(text), "{text}");
        }
        assert!(!takes_gzip(&HeaderMap::new()));
    }

    #[test]
    fn a_path_is_taken_as_it_is_written() {
        for none in [
            "",
            "index.html",
            "//",
            "//index.html",
            "/./index.html",
            "/../Cargo.toml",
            "/%2e%2e/Cargo.toml",
            "/assets",
            "/assets/",
            "/assets/../index.html",
            "/index.html/",
            "/INDEX.HTML",
        ] {
            assert_eq!(asset(none), None, "{none}");
        }
    }
}
