//! What there is to say over HTTP.

use serde_json::{Value, json};

use super::metrics;
use super::source::Source;

const JSON: &str = "application/json";
const TEXT: &str = "text/plain; charset=utf-8";
const METRICS: &str = "text/plain; version=0.0.4; charset=utf-8";

/// An answer, before it is bytes.
pub(super) struct Answer {
    status: &'static str,
    content_type: &'static str,
    body: String,
    /// Whether the body is only measured.
    head: bool,
}

impl Answer {
    fn new(status: &'static str, content_type: &'static str, body: String) -> Answer {
        Answer {
            status,
            content_type,
            body,
            head: false,
        }
    }

    fn json(yes: bool, body: &Value) -> Answer {
        let status = if yes { OK } else { UNAVAILABLE };
        Answer::new(status, JSON, format!("{body}\n"))
    }

    pub(super) fn bytes(self) -> Vec<u8> {
        let Answer {
            status,
            content_type,
            body,
            head,
        } = self;
        let allow = if status == NOT_ALLOWED {
            "Allow: GET, HEAD, OPTIONS\r\n"
        } else {
            ""
        };
        let mut text = format!(
            "HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\n\
             Cache-Control: no-store\r\n{allow}Connection: close\r\n\r\n",
            body.len()
        );
        if !head {
            text += &body;
        }
        text.into_bytes()
    }
}

const OK: &str = "200 OK";
const UNAVAILABLE: &str = "503 Service Unavailable";
const NOT_ALLOWED: &str = "405 Method Not Allowed";

pub(super) fn bad() -> Answer {
    let text = "the request is not understood\n";
    Answer::new("400 Bad Request", TEXT, text.to_owned())
}

pub(super) fn too_large() -> Answer {
    let text = "the request has too many headers, or too long ones\n";
    Answer::new("431 Request Header Fields Too Large", TEXT, text.to_owned())
}

/// The answer to a request. Load balancers ask with HEAD or OPTIONS as well.
pub(super) fn to(method: &str, target: &str, source: &mut Source) -> Answer {
    if !["GET", "HEAD", "OPTIONS"].contains(&method) {
        let text = "ask with GET, HEAD or OPTIONS\n";
        return Answer::new(NOT_ALLOWED, TEXT, text.to_owned());
    }
    let path = target.split('?').next().unwrap_or(target);
    let answer = match path {
        "/leader" => leader(source),
        "/livez" => livez(source),
        "/readyz" => readyz(source),
        "/status" => status(source),
        "/metrics" => Answer::new(OK, METRICS, metrics::render(source)),
        _ => Answer::new(
            "404 Not Found",
            TEXT,
            "there are /leader, /livez, /readyz, /status and /metrics\n".to_owned(),
        ),
    };
    Answer {
        head: method != "GET",
        ..answer
    }
}

/// Whether this node may do a leader's work at this moment.
fn leader(source: &Source) -> Answer {
    let active = source.node.active().is_some();
    let lease = source.node.lease();
    let view = source.node.view();
    let body = json!({
        "active": active,
        "term": view.term,
        "leader": view.leader,
        "lease_remaining_seconds": lease.map_or(0.0, |(_, left)| left.as_secs_f64()),
    });
    Answer::json(active, &body)
}

/// Whether the node's loop turns.
fn livez(source: &mut Source) -> Answer {
    let alive = source.status().is_some();
    Answer::json(alive, &json!({ "alive": alive }))
}

/// Whether the node is of use: it leads or knows who does.
fn readyz(source: &Source) -> Answer {
    let view = source.node.view();
    let ready = view.leader.is_some() && !view.stopped;
    Answer::json(ready, &json!({ "ready": ready, "leader": view.leader }))
}

fn status(source: &mut Source) -> Answer {
    match source.status().map(serde_json::to_value) {
        Some(Ok(status)) => Answer::json(true, &status),
        Some(Err(_)) | None => Answer::json(false, &json!({ "alive": false })),
    }
}
