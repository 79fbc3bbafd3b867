//! The page beside the API, and alone: every file with its type and guards, and nothing else.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::collections::BTreeSet;
use std::io::{Read, Write};

use common::any;
use common::http::{alone, error, parse};
use reqwest::{Client, Method, Response};
use rumormill_agent::page::site::Site;
use rumormill_agent::page::{self, CONTENT_SECURITY_POLICY};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// A server of the page alone, and what ends it.
struct Alone {
    base: String,
    end: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

fn site(site: Site) -> Alone {
    let base = format!("http://{}", site.address());
    let (end, ended) = oneshot::channel();
    let task = tokio::spawn(site.serve(async {
        let _ = ended.await;
    }));
    Alone { base, end, task }
}

#[track_caller]
fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    let value = response.headers().get(name);
    value.unwrap_or_else(|| panic!("no {name} from {}", response.url())).to_str().unwrap()
}

#[track_caller]
fn guarded(response: &Response) {
    assert_eq!(header(response, "content-security-policy"), CONTENT_SECURITY_POLICY);
    assert_eq!(header(response, "x-content-type-options"), "nosniff");
    assert_eq!(header(response, "referrer-policy"), "no-referrer");
}

async fn every_file_is_served(http: &Client, base: &str) {
    let mut served = BTreeSet::new();
    for asset in page::assets() {
        let url = format!("{base}/{}", asset.path);
        let response = http.get(&url).send().await.unwrap();
        assert_eq!(response.status(), 200, "{url}");
        guarded(&response);
        assert_eq!(header(&response, "content-type"), asset.media_type);
        assert_eq!(header(&response, "etag"), asset.etag);
        let kept = header(&response, "cache-control");
        assert_eq!(kept.contains("immutable"), asset.immutable, "{url}: {kept}");
        assert_eq!(header(&response, "content-length"), asset.bytes.len().to_string());
        assert_eq!(response.bytes().await.unwrap(), asset.bytes, "{url}");

        let packed = http.get(&url).header("accept-encoding", "br, gzip").send().await.unwrap();
        guarded(&packed);
        assert_eq!(header(&packed, "vary"), "accept-encoding");
        if asset.gzipped().is_some() {
            assert_eq!(header(&packed, "content-encoding"), "gzip");
            assert_eq!(header(&packed, "etag"), format!("W/{}", asset.etag));
            let mut bytes = Vec::new();
            let body = packed.bytes().await.unwrap();
            flate2::read::GzDecoder::new(&body[..]).read_to_end(&mut bytes).unwrap();
            assert!(bytes == asset.bytes && body.len() < bytes.len(), "{url}");
        } else {
            assert_eq!(packed.headers().get("content-encoding"), None, "{url}");
        }

        let response = http.head(&url).send().await.unwrap();
        assert_eq!(response.status(), 200, "HEAD {url}");
        guarded(&response);
        assert_eq!(header(&response, "content-length"), asset.bytes.len().to_string());
        assert!(response.bytes().await.unwrap().is_empty());

        for tags in [asset.etag.clone(), format!("\"x\", W/{}", asset.etag), "*".to_owned()] {
            let response = http.get(&url).header("if-none-match", tags).send().await.unwrap();
            assert_eq!(response.status(), 304, "{url}");
            guarded(&response);
            assert_eq!(header(&response, "etag"), asset.etag);
            assert!(response.bytes().await.unwrap().is_empty());
        }
        let other = http.get(&url).header("if-none-match", "\"x\"").send().await.unwrap();
        assert_eq!(other.status(), 200);
        served.insert(asset.path);
    }
    assert!(served.contains("index.html"));
    let start = http.get(format!("{base}/")).send().await.unwrap();
    guarded(&start);
    assert_eq!(header(&start, "content-type"), "text/html; charset=utf-8");
    assert!(!header(&start, "cache-control").contains("immutable"), "its name never changes");
    assert!(start.text().await.unwrap().starts_with("<!doctype html>"));
}

/// Sends a path as it is: clients of HTTP clean paths up.
async fn raw(base: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(base.trim_start_matches("http://")).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

async fn nothing_else_is_served(http: &Client, base: &str) {
    for path in [
        "/../Cargo.toml",
        "/%2e%2e/Cargo.toml",
        "/..%2fCargo.toml",
        "/assets/../../Cargo.toml",
        "/assets/..%5c..%5cCargo.toml",
        "//index.html",
        "/./index.html",
        "/index%2ehtml",
        "/index.html/",
        "/assets",
        "/assets/",
        "/favicon-that-is-not.ico",
    ] {
        let answer = raw(base, path).await;
        assert!(answer.starts_with("HTTP/1.1 404"), "{path}: {answer}");
        assert!(answer.contains("\"error\":"), "{path}: {answer}");
        assert!(!answer.contains("[package]"), "{path}: {answer}");
    }
    for method in [Method::POST, Method::PUT, Method::DELETE] {
        let response = http.request(method.clone(), base).send().await.unwrap();
        assert_eq!(response.status(), 404, "{method}");
        error(&parse(response).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_serves_the_page_beside_its_api() {
    let (_agent, client) = alone().await;
    every_file_is_served(&client.http, &client.base).await;
    nothing_else_is_served(&client.http, &client.base).await;
    let start = client.http.head(client.url("/")).send().await.unwrap();
    assert_eq!(
        header(&start, "rumormill-agent"),
        "a",
        "by it the page knows that this is an agent"
    );
    assert_eq!(client.get("/v1/info").await.0, 200);
    assert_eq!(client.get("/healthz").await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_may_write_and_pages_of_other_origins_may_not() {
    let (_agent, client) = alone().await;
    let write = |origin: String| {
        let put = client.http.put(client.url("/v1/kv/color")).header("origin", origin);
        async { put.body("blue").send().await.unwrap() }
    };
    let rebound = client.base.replace("127.0.0.1", "localhost");
    for other in ["http://elsewhere.example".to_owned(), "null".to_owned(), rebound] {
        let response = write(other.clone()).await;
        assert_eq!(response.status(), 403, "{other}");
        assert!(error(&parse(response).await).contains("other origins"));
    }
    assert_eq!(client.http.get(client.url("/v1/kv/color")).send().await.unwrap().status(), 404);
    assert_eq!(write(client.base.clone()).await.status(), 200);
    let value = client.http.get(client.url("/v1/kv/color")).send().await.unwrap();
    assert_eq!(value.text().await.unwrap(), "blue");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_alone_has_no_api_and_ends_when_asked() {
    let Alone { base, end, task } = site(Site::bind(any()).unwrap());
    let http = Client::new();
    every_file_is_served(&http, &base).await;
    nothing_else_is_served(&http, &base).await;
    let start = http.head(&base).send().await.unwrap();
    assert!(!start.headers().contains_key("rumormill-agent"));
    for path in ["/v1/info", "/run", "/metrics"] {
        let response = http.get(format!("{base}{path}")).send().await.unwrap();
        assert_eq!(response.status(), 404, "{path}");
        assert!(error(&parse(response).await).contains(path));
    }
    drop(http);
    end.send(()).unwrap();
    task.await.unwrap();
    assert!(TcpStream::connect(base.trim_start_matches("http://")).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recorded_run_is_served_as_it_is_now() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(b"\0one").unwrap();
    let Alone { base, end: _end, .. } =
        site(Site::bind(any()).unwrap().run(file.path().to_owned()));
    let http = Client::new();
    let run = || async { http.get(format!("{base}/run")).send().await.unwrap() };
    let response = run().await;
    assert_eq!(response.status(), 200);
    guarded(&response);
    assert_eq!(header(&response, "content-type"), "application/octet-stream");
    assert_eq!(header(&response, "cache-control"), "no-store");
    assert_eq!(response.bytes().await.unwrap(), b"\0one"[..]);
    file.write_all(b", two").unwrap();
    assert_eq!(run().await.bytes().await.unwrap(), b"\0one, two"[..]);
    let head = http.head(format!("{base}/run")).send().await.unwrap();
    assert_eq!(header(&head, "content-length"), "9");
    assert_eq!(http.post(format!("{base}/run")).send().await.unwrap().status(), 404);
    let path = file.path().display().to_string();
    drop(file);
    let response = run().await;
    assert_eq!(response.status(), 500);
    assert!(error(&parse(response).await).contains(&path));
}
