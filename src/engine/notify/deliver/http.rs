//! One POST over HTTP/1.1: no redirect is followed, no answer is read further than it is of use.

use std::path::Path;
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST, LOCATION, RETRY_AFTER, USER_AGENT};
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::task::JoinSet;

use super::stream::{self, Stream};
use super::{broken, rejected};
use crate::engine::notify::desk::Failed;
use crate::engine::notify::settings::Url;
use crate::model::Secret;

/// How much of an answer's body is read.
const MOST_BODY: usize = 16 << 10;
/// The largest head of an answer, in bytes; hyper reads no further.
const MOST_HEAD: usize = 32 << 10;
/// The longest wait that a server may ask for.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

/// What a server answered.
pub struct Reply {
    /// Its status.
    pub status: StatusCode,
    /// The beginning of its body, as far as it is text.
    pub body: String,
    /// How long it wants to be left alone.
    pub retry_after: Option<Duration>,
    /// Where it sends the request instead, without the path.
    location: Option<String>,
}

/// Sends `json` to `path` on the server that `url` names.
pub async fn post(
    url: &Url,
    path: &Secret,
    headers: &[(String, Secret)],
    ca: Option<&Path>,
    json: &str,
) -> Result<Reply, Failed> {
    let request = request(url, path, headers, json)?;
    let tcp = stream::connect(&url.host, url.port).await?;
    let stream: Box<dyn Stream> = match url.tls {
        true => stream::secure(tcp, &url.host, ca).await?,
        false => Box::new(tcp),
    };
    let at = format!("asking {}", url.shown());
    let (mut sender, connection) = hyper::client::conn::http1::Builder::new()
        .max_headers(100)
        .max_buf_size(MOST_HEAD)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(broken(&at))?;
    // dropped with this future, and the connection with it
    let mut work = JoinSet::new();
    work.spawn(connection);
    let response = sender.send_request(request).await.map_err(broken(&at))?;
    read(response).await
}

impl Reply {
    /// What failed, where it is none of the answers that mean done; `said` is what it says to people.
    pub fn failure(&self, said: &str) -> Failed {
        let said = if said.is_empty() { String::new() } else { format!(": {said}") };
        let status = self.status;
        if let Some(location) = self.location.as_ref().filter(|_| status.is_redirection()) {
            return rejected(format!(
                "it answers {status} and points to {location}: redirects are not followed, write the right address"
            ));
        }
        // what these say of one message they would say of any
        let of_all = status.is_server_error() || matches!(status.as_u16(), 401 | 403 | 404 | 407 | 408 | 429);
        Failed {
            message: format!("it answers {status}{said}"),
            unreachable: of_all,
            retry_after: self.retry_after,
        }
    }
}

fn request(
    url: &Url,
    path: &Secret,
    headers: &[(String, Secret)],
    json: &str,
) -> Result<Request<Full<Bytes>>, Failed> {
    let body = Bytes::copy_from_slice(json.as_bytes());
    let length = HeaderValue::from(body.len());
    let mut request = Request::new(Full::new(body));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = path.expose().parse().map_err(|_| rejected("the address has no good path"))?;
    let host =
        HeaderValue::from_str(&url.authority()).map_err(|_| rejected("the address names no good host"))?;
    let map = request.headers_mut();
    map.insert(HOST, host);
    map.insert(USER_AGENT, HeaderValue::from_static(concat!("noctule/", env!("CARGO_PKG_VERSION"))));
    map.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    map.insert(CONTENT_LENGTH, length);
    map.insert(CONNECTION, HeaderValue::from_static("close"));
    for (name, value) in headers {
        let header =
            HeaderName::from_bytes(name.as_bytes()).ok().zip(HeaderValue::from_str(value.expose()).ok());
        let (name, mut value) =
            header.ok_or_else(|| rejected(format!("the header {name:?} cannot be sent")))?;
        value.set_sensitive(true);
        map.insert(name, value);
    }
    Ok(request)
}

async fn read(response: Response<Incoming>) -> Result<Reply, Failed> {
    let (head, mut body) = response.into_parts();
    let mut bytes = Vec::new();
    while bytes.len() < MOST_BODY {
        // a body that breaks off changes nothing about the status
        let Some(Ok(frame)) = body.frame().await else { break };
        if let Some(data) = frame.data_ref() {
            bytes.extend_from_slice(&data[..data.len().min(MOST_BODY - bytes.len())]);
        }
    }
    Ok(Reply {
        status: head.status,
        body: String::from_utf8_lossy(&bytes).into_owned(),
        retry_after: retry_after(&head.headers),
        location: location(&head.headers),
    })
}

/// Seconds; a date is not worth its parsing.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(LONGEST_WAIT))
}

fn location(headers: &HeaderMap) -> Option<String> {
    let uri: hyper::Uri = headers.get(LOCATION)?.to_str().ok()?.parse().ok()?;
    match (uri.scheme_str(), uri.authority()) {
        (Some(scheme), Some(authority)) => Some(format!("{scheme}://{}/…", authority.host())),
        _ => Some("another path".to_owned()),
    }
}
