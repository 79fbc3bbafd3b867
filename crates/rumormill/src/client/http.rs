//! The HTTP client of the verbs.

use std::io::{BufRead, BufReader};
use std::time::Duration;

use anyhow::{Context, anyhow};
use rumormill_agent::api::ErrorBody;
use serde::Serialize;
use serde::de::DeserializeOwned;
use ureq::http::{HeaderMap, Method, Request, Response, Uri};
use ureq::{Agent, AsSendBody, Body};

use crate::term::exit::Usage;

/// How long an agent may take to accept the connection.
const CONNECT: Duration = Duration::from_secs(3);
/// How long an answer may take, beyond the time that the agent was asked to wait.
const ANSWER: Duration = Duration::from_secs(10);
/// The wait of a request that the agent answers at once.
const USUAL_WAIT: Option<Duration> = Some(Duration::ZERO);

/// The longest answer that is read whole, in bytes.
const LONGEST: u64 = 256 << 20;

/// The agent to use.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Target {
    /// HTTP address of the agent [default: `$RUMORMILL_AGENT`, or 127.0.0.1:7980]
    #[arg(long = "agent", global = true, value_name = "URL", value_parser = url, display_order = 1000)]
    pub(crate) agent: Option<String>,
}

/// The address of an agent by default.
const USUAL: &str = "http://127.0.0.1:7980";
/// The variable with the agent's address. Only verbs that use an agent read it.
const VARIABLE: &str = "RUMORMILL_AGENT";

impl Target {
    /// Returns the address: of the flag, the variable, or the default. An empty variable counts as
    /// not set.
    fn url(&self) -> Result<String, Usage> {
        if let Some(url) = &self.agent {
            return Ok(url.clone());
        }
        match std::env::var_os(VARIABLE) {
            Some(value) if !value.is_empty() => {
                let text = value.to_str();
                let text =
                    text.ok_or_else(|| Usage(format!("{VARIABLE}: {value:?} is not text")))?;
                url(text).map_err(|error| Usage(format!("{VARIABLE}: {error}")))
            }
            _ => Ok(USUAL.to_owned()),
        }
    }
}

/// Reads `http://HOST:PORT`; the scheme may be left out.
fn url(text: &str) -> Result<String, String> {
    let wrong =
        |why: &str| format!("{text:?} is not an agent's address: {why}; write http://HOST:PORT");
    if text.trim().ends_with("://") {
        return Err(wrong("there is no host"));
    }
    let text = text.trim().trim_end_matches('/');
    let full = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
    let uri: Uri = full.parse().map_err(|error| wrong(&format!("{error}")))?;
    match uri.scheme_str() {
        Some("http") => {}
        Some("https") => return Err(wrong("agents use plain HTTP")),
        _ => return Err(wrong("the scheme must be http")),
    }
    if uri.host().is_none_or(str::is_empty) {
        return Err(wrong("there is no host"));
    }
    if uri.path().len() > 1 || uri.query().is_some() {
        return Err(wrong("it must end after the port"));
    }
    Ok(full)
}

/// A connection to one agent.
pub(crate) struct Client {
    base: String,
    http: Agent,
}

impl Client {
    pub(crate) fn new(target: &Target) -> Result<Self, Usage> {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_connect(Some(CONNECT))
            // An agent is a neighbour: a proxy meant for the web does not know it.
            .proxy(None)
            .build();
        Ok(Self { base: target.url()?, http: config.into() })
    }

    /// Returns the agent's address, without a slash at its end.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// Gets `path`, which may take `wait` longer than usual.
    pub(crate) fn get<T: DeserializeOwned>(&self, path: &Path, wait: Duration) -> Answer<T> {
        self.read(self.send(Method::GET, path, (), Some(wait))?)
    }

    pub(crate) fn put<T: DeserializeOwned>(&self, path: &Path, body: &impl Serialize) -> Answer<T> {
        self.read(self.send(Method::PUT, path, json(body)?, USUAL_WAIT)?)
    }

    pub(crate) fn post<T: DeserializeOwned>(
        &self,
        path: &Path,
        body: &impl Serialize,
    ) -> Answer<T> {
        self.read(self.send(Method::POST, path, json(body)?, USUAL_WAIT)?)
    }

    pub(crate) fn delete<T: DeserializeOwned>(&self, path: &Path) -> Answer<T> {
        self.read(self.send(Method::DELETE, path, (), USUAL_WAIT)?)
    }

    /// Writes `bytes` to `path` as they are.
    pub(crate) fn put_bytes<T: DeserializeOwned>(&self, path: &Path, bytes: &[u8]) -> Answer<T> {
        self.read(self.send(Method::PUT, path, bytes, USUAL_WAIT)?)
    }

    /// Reads `path` as it is, with the headers.
    pub(crate) fn get_bytes(&self, path: &Path) -> Answer<(HeaderMap, Vec<u8>)> {
        let (head, mut body) = self.send(Method::GET, path, (), USUAL_WAIT)?.into_parts();
        let bytes = body.with_config().limit(LONGEST).read_to_vec();
        Ok((head.headers, bytes.map_err(|error| self.lost(&error))?))
    }

    /// Sends `body` to `path`, and calls `each` with every line of what comes back, as it comes.
    pub(crate) fn post_for_lines(
        &self,
        path: &Path,
        body: &impl Serialize,
        each: impl FnMut(&str) -> anyhow::Result<()>,
    ) -> Answer<()> {
        self.lines(self.send(Method::POST, path, json(body)?, None)?, each)
    }

    /// Follows the server-sent events of `path`: calls `each` with the data of every event until it
    /// fails or the agent ends the stream. A comment, which keeps the connection alive, comes as
    /// empty data.
    pub(crate) fn follow(
        &self,
        path: &Path,
        mut each: impl FnMut(&str) -> anyhow::Result<()>,
    ) -> Answer<()> {
        let mut data = String::new();
        self.lines(self.send(Method::GET, path, (), None)?, |line| {
            if line.is_empty() {
                if !data.is_empty() {
                    each(&data)?;
                }
                data.clear();
            } else if let Some(text) = line.strip_prefix("data:") {
                data.push_str(text.strip_prefix(' ').unwrap_or(text));
            } else if line.starts_with(':') {
                each("")?;
            }
            Ok(())
        })
    }

    /// Sends a request, whose answer may take `wait` longer than usual; without `wait`, for ever.
    fn send(
        &self,
        method: Method,
        path: &Path,
        body: impl AsSendBody,
        wait: Option<Duration>,
    ) -> Answer<Response<Body>> {
        let request = Request::builder().method(method).uri(format!("{}{}", self.base, path.0));
        let request = self.http.configure_request(request.body(body).context("no request")?);
        let request = request.timeout_global(wait.map(|wait| ANSWER + wait)).build();
        let mut response = self.http.run(request).map_err(|error| self.absent(&error))?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let body = response.body_mut().read_to_string().unwrap_or_default();
        let message = match serde_json::from_str::<ErrorBody>(&body) {
            Ok(body) => body.error,
            Err(_) => format!("{} answered {status}; is it a rumormill agent?", self.base),
        };
        Err(Refusal::Refused { status: status.as_u16(), message })
    }

    fn read<T: DeserializeOwned>(&self, mut response: Response<Body>) -> Answer<T> {
        let text = response.body_mut().with_config().limit(LONGEST).read_to_string();
        let text = text.map_err(|error| self.lost(&error))?;
        let text = if text.is_empty() { "null" } else { &text };
        serde_json::from_str(text).map_err(|error| {
            let base = &self.base;
            anyhow!(
                "unexpected answer from {base} ({error}); is it a rumormill agent of this version?"
            )
            .into()
        })
    }

    fn lines(
        &self,
        response: Response<Body>,
        mut each: impl FnMut(&str) -> anyhow::Result<()>,
    ) -> Answer<()> {
        for line in BufReader::new(response.into_body().into_reader()).lines() {
            let lost = || format!("lost the connection to the agent at {}", self.base);
            each(&line.with_context(lost)?)?;
        }
        Ok(())
    }

    /// Returns the refusal for a request that got no answer.
    fn absent(&self, error: &ureq::Error) -> Refusal {
        use ureq::Error;
        let lost = self.lost(error);
        match error {
            Error::ConnectionFailed | Error::HostNotFound | Error::Timeout(_) | Error::Io(_) => {
                Refusal::Absent(lost)
            }
            _ => Refusal::Other(lost),
        }
    }

    fn lost(&self, error: &ureq::Error) -> anyhow::Error {
        use ureq::Error;
        let base = &self.base;
        let advice = "start one with `rumormill agent`, or set its address with --agent URL or \
                      RUMORMILL_AGENT";
        match error {
            Error::Io(io) if io.kind() == std::io::ErrorKind::ConnectionRefused => {
                anyhow!("no agent at {base} (connection refused); {advice}")
            }
            Error::ConnectionFailed | Error::HostNotFound | Error::Timeout(_) | Error::Io(_) => {
                anyhow!("cannot reach the agent at {base} ({error}); {advice}")
            }
            _ => anyhow!("unexpected answer from the agent at {base}: {error}"),
        }
    }
}

fn json(body: &impl Serialize) -> anyhow::Result<Vec<u8>> {
    serde_json::to_vec(body).context("no JSON")
}

/// The result of a request.
pub(crate) type Answer<T> = Result<T, Refusal>;

/// Why a request failed.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// The agent refused it.
    Refused {
        /// The HTTP status.
        status: u16,
        /// The agent's message.
        message: String,
    },
    /// The agent can't be reached.
    Absent(anyhow::Error),
    /// Anything else.
    Other(anyhow::Error),
}

impl From<anyhow::Error> for Refusal {
    fn from(error: anyhow::Error) -> Self {
        Self::Other(error)
    }
}

impl From<Refusal> for anyhow::Error {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            // The agent calls the request malformed: an error on the command line.
            Refusal::Refused { status: 400, message, .. } => Usage(message).into(),
            Refusal::Refused { message, .. } => anyhow!(message),
            Refusal::Absent(error) | Refusal::Other(error) => error,
        }
    }
}

/// The path of a request, parameters included. User input becomes part of a path only here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Path(String);

impl Path {
    /// Returns a path of this API.
    pub(crate) fn new(fixed: &'static str) -> Self {
        Self(fixed.to_owned())
    }

    /// Adds a segment: any text but the empty one, which would be another path.
    pub(crate) fn segment(mut self, text: &str) -> Self {
        debug_assert!(!text.is_empty(), "checked where the arguments are read");
        self.0.push('/');
        self.encode(text);
        self
    }

    /// Adds a segment of this API.
    pub(crate) fn then(mut self, fixed: &'static str) -> Self {
        self.0.push('/');
        self.0.push_str(fixed);
        self
    }

    /// Adds a parameter: any text.
    pub(crate) fn with(mut self, parameter: &'static str, text: &str) -> Self {
        self.0.push(if self.0.contains('?') { '&' } else { '?' });
        self.0.push_str(parameter);
        self.0.push('=');
        self.encode(text);
        self
    }

    fn encode(&mut self, text: &str) {
        for byte in text.bytes() {
            match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'~' => {
                    self.0.push(byte.into());
                }
                // A dot, too: what is between two slashes must not be `..`.
                _ => self.0.push_str(&format!("%{byte:02X}")),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls() {
        assert_eq!(url("http://h:1/").as_deref(), Ok("http://h:1"));
        assert_eq!(url("127.0.0.1:7980").as_deref(), Ok("http://127.0.0.1:7980"));
        for bad in
            ["", " ", "/", "http://:1", "https://h:1", "ftp://h", "http://", "http://h/path", "a b"]
        {
            assert!(url(bad).is_err(), "{bad:?} was accepted");
        }
    }

    #[test]
    fn whatever_is_given_stays_one_segment_or_one_parameter() {
        let path = |text: &str| Path::new("/v1/kv").segment(text).with("wait", text).0;
        assert_eq!(path("a-b_c~1"), "/v1/kv/a-b_c~1?wait=a-b_c~1");
        for (text, encoded) in [
            (".", "%2E"),
            ("..", "%2E%2E"),
            ("a//b/", "a%2F%2Fb%2F"),
            ("?a=b&c#d", "%3Fa%3Db%26c%23d"),
            ("%2F", "%252F"),
            ("100 %", "100%20%25"),
            ("\u{e4}", "%C3%A4"),
        ] {
            assert_eq!(path(text), format!("/v1/kv/{encoded}?wait={encoded}"));
        }
        let two = Path::new("/v1/kv/").with("limit", "1").with("prefix", "").0;
        assert_eq!(two, "/v1/kv/?limit=1&prefix=");
        assert_eq!(Path::new("/v1/a").segment("x").then("explain").0, "/v1/a/x/explain");
    }
}
