//! The HTTP API: the methods of [`Agent`](crate::Agent) as JSON, described by `/openapi.json`; beside
//! it the [page](crate::page).

mod aggregates;
pub(crate) mod clients;
mod cluster;
pub(crate) mod error;
mod events;
mod extract;
mod health;
mod kv;
mod queries;
pub(crate) mod serve;
mod state;
mod turns;
mod watch;

use axum::extract::{Request, State as Extract};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::put;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::agent::WeakAgent;
use crate::page;
use error::ApiError;
use state::{Lasting, State};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "rumormill agent",
        description = "Aggregates, events, queries and keys of a cluster; any agent answers for the \
                       whole cluster. Every error is a JSON object with the field `error`, which \
                       says what was wrong and what to do. Write `%2F` for a `/` in a name. There \
                       is no authentication. `/` is a web page that shows all of this."
    ),
    components(schemas(crate::api::Update))
)]
struct Document;

pub(crate) fn router(agent: WeakAgent) -> axum::Router {
    let (router, mut document) = OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(cluster::members))
        .routes(routes!(cluster::info))
        .routes(routes!(cluster::compare))
        .routes(routes!(cluster::join))
        .routes(routes!(cluster::leave))
        .routes(routes!(aggregates::list))
        .routes(routes!(aggregates::get))
        .routes(routes!(aggregates::explain))
        .routes(routes!(aggregates::inputs))
        .routes(routes!(aggregates::set_input, aggregates::unset_input))
        .routes(routes!(events::publish, events::list))
        .routes(routes!(events::trace))
        .routes(routes!(queries::ask))
        .routes(routes!(kv::list))
        .routes(routes!(kv::get, kv::put, kv::delete))
        .routes(routes!(watch::watch))
        .routes(routes!(health::metrics))
        .routes(routes!(health::healthz))
        .routes(routes!(health::readyz))
        .routes(routes!(health::openapi))
        .split_for_parts();
    // OpenAPI has no notation for a parameter that is the rest of a path.
    for (path, item) in std::mem::take(&mut document.paths.paths) {
        document.paths.paths.insert(path.replace("{*", "{"), item);
    }
    let document = document.to_json().unwrap_or_default().into();
    router
        .route("/v1/kv/", put(kv::no_key).delete(kv::no_key))
        .fallback(page_or_nothing)
        .method_not_allowed_fallback(no_such_method)
        .layer(middleware::from_fn(own_pages_only))
        .with_state(State { agent, document, lasting: Lasting::new() })
}

/// The header by which the page learns that an agent serves it: the agent's name.
const SERVED_BY: HeaderName = HeaderName::from_static("rumormill-agent");

/// Answers a request that no path of the API has: with a file of the page, if there is one.
async fn page_or_nothing(
    Extract(agent): Extract<WeakAgent>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let Some(mut response) = page::answer(&method, uri.path(), &headers) else {
        let message = format!("there is nothing at {}; /openapi.json lists all paths", uri.path());
        return ApiError(StatusCode::NOT_FOUND, message).into_response();
    };
    let name = agent.upgrade().and_then(|agent| HeaderValue::from_str(agent.name()).ok());
    if let Some(name) = name {
        response.headers_mut().insert(SERVED_BY, name);
    }
    response
}

async fn no_such_method(method: Method, uri: Uri) -> ApiError {
    let message = format!(
        "{} does not allow {method}; the header `allow` lists the methods that it does",
        uri.path()
    );
    ApiError(StatusCode::METHOD_NOT_ALLOWED, message)
}

/// Refuses changes by web pages of other origins that are open in a browser on this machine.
async fn own_pages_only(request: Request, next: Next) -> Response {
    let headers = request.headers();
    let reads = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if !reads && let Some(origin) = headers.get(header::ORIGIN) {
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
        let of = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
        if host.is_none() || of.map(|(_, of)| of) != host {
            let message = "web pages of other origins may not change anything; \
                           send the request without the header `origin`";
            return ApiError(StatusCode::FORBIDDEN, message.to_owned()).into_response();
        }
    }
    next.run(request).await
}
