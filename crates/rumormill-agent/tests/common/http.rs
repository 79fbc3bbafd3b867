//! An HTTP client that holds every answer against the agent's own OpenAPI document.

use reqwest::{Method, Response};
use rumormill_agent::Agent;
use serde_json::{Value, json};

/// An agent that is alone, and a client of it.
pub(crate) async fn alone() -> (Agent, Client) {
    let agent = super::builder("a").http(Some(super::any())).start().await.unwrap();
    let client = Client::new(&agent).await;
    (agent, client)
}

/// What an answer says was wrong.
#[track_caller]
pub(crate) fn error(body: &Value) -> &str {
    body["error"].as_str().unwrap_or_else(|| panic!("no error in {body}"))
}

pub(crate) struct Client {
    pub(crate) http: reqwest::Client,
    pub(crate) base: String,
    pub(crate) document: Value,
}

impl Client {
    pub(crate) async fn new(agent: &Agent) -> Self {
        let http = reqwest::Client::new();
        let base = format!("http://{}", agent.http_addr().unwrap());
        let document = http.get(format!("{base}/openapi.json")).send().await.unwrap();
        Self { http, base, document: document.json().await.unwrap() }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// Asks, checks the answer against the document, and returns its status and body.
    ///
    /// `path` may begin with a template in braces' place: `/v1/inputs/{name}` is what the document
    /// says of `/v1/inputs/x`.
    pub(crate) async fn ask(&self, method: Method, path: &str, body: Option<&str>) -> (u16, Value) {
        let mut request = self.http.request(method.clone(), self.url(path));
        if let Some(body) = body {
            request = request.body(body.to_owned());
        }
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let json = parse(response).await;
        self.check(&method, path, status, &json);
        (status, json)
    }

    pub(crate) async fn get(&self, path: &str) -> (u16, Value) {
        self.ask(Method::GET, path, None).await
    }

    pub(crate) async fn put(&self, path: &str, body: &str) -> (u16, Value) {
        self.ask(Method::PUT, path, Some(body)).await
    }

    pub(crate) async fn post(&self, path: &str, body: &str) -> (u16, Value) {
        self.ask(Method::POST, path, Some(body)).await
    }

    fn check(&self, method: &Method, path: &str, status: u16, body: &Value) {
        let plain = path.split('?').next().unwrap_or(path);
        let paths = self.document["paths"].as_object().unwrap();
        let template = paths.keys().find(|template| fits(template, plain));
        let template = template.unwrap_or_else(|| panic!("{plain} is not in the document"));
        let operation = &paths[template][method.as_str().to_ascii_lowercase()];
        let response = &operation["responses"][status.to_string()];
        assert!(response.is_object(), "{method} {template} has no {status} in the document");
        match &response["content"]["application/json"]["schema"] {
            Value::Null => assert!(body.is_null(), "{method} {template} {status}: {body}"),
            schema => self.fits_schema(schema, body),
        }
    }

    /// Holds a value against a schema of the document.
    pub(crate) fn fits_schema(&self, schema: &Value, value: &Value) {
        let mut schema = schema.clone();
        schema["components"] = self.document["components"].clone();
        let validator = jsonschema::validator_for(&schema).unwrap();
        let errors: Vec<_> = validator.iter_errors(value).map(|e| e.to_string()).collect();
        assert!(errors.is_empty(), "{value} does not fit {}: {errors:?}", json!(schema["$ref"]));
    }
}

/// The body as JSON; null if there is none. An answer that has a body must say that it is JSON.
pub(crate) async fn parse(response: Response) -> Value {
    let kind = response.headers().get("content-type").map(|kind| kind.to_str().unwrap().to_owned());
    let bytes = response.bytes().await.unwrap();
    if bytes.is_empty() {
        return Value::Null;
    }
    assert_eq!(kind.as_deref(), Some("application/json"), "{bytes:?}");
    serde_json::from_slice(&bytes).unwrap()
}

fn fits(template: &str, path: &str) -> bool {
    let mut parts = path.split('/');
    template
        .split('/')
        .all(|want| parts.next().is_some_and(|part| want == part || want.starts_with('{')))
        && parts.next().is_none()
}
