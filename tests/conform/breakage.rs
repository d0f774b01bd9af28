//! What stands between the kit and a gateway, and breaks one behaviour: of the request before the gateway sees it, or of the
//! answer before the kit does.

use actix_web::body::{BoxBody, MessageBody, to_bytes};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{CONTENT_LENGTH, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode, Uri};
use actix_web::{Error, HttpResponse};

/// One behaviour that is not as it should be.
pub(crate) struct Breakage {
    /// What a server with this fault does.
    pub(crate) name: &'static str,
    pub(crate) before: fn(&mut Asked),
    pub(crate) after: fn(&Asked, &mut Given),
    /// The cases that turn red by it, and no others.
    pub(crate) red: &'static [&'static str],
}

/// A request as far as it can be changed.
#[derive(Clone)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: Vec<(String, String)>,
}

/// An answer.
pub(crate) struct Given {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

pub(crate) const NONE: Breakage = Breakage { name: "nothing", before: |_| {}, after: |_, _| {}, red: &[] };

impl Asked {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(n, _)| n == name).map_or("", |(_, value)| value)
    }

    pub(crate) fn drop_header(&mut self, name: &str) {
        self.headers.retain(|(n, _)| n != name);
    }

    /// The query without the parameters whose names begin so.
    pub(crate) fn drop_parameters(&mut self, prefix: &str) {
        let kept: Vec<&str> = self.query.split('&').filter(|pair| !pair.starts_with(prefix)).collect();
        self.query = kept.join("&");
    }

    /// Whether it is about one resource, and nothing below it.
    pub(crate) fn is_instance(&self) -> bool {
        self.path.split('/').count() == 4
    }
}

impl Given {
    pub(crate) fn drop_header(&mut self, name: &str) {
        self.headers.retain(|(n, _)| n != name);
    }
}

impl Breakage {
    /// What is asked, and the request as the gateway gets it.
    pub(crate) fn asked(&self, mut request: ServiceRequest) -> (Asked, ServiceRequest) {
        let headers = request.headers().iter();
        let headers: Vec<_> =
            headers.map(|(n, v)| (n.to_string(), String::from_utf8_lossy(v.as_bytes()).into_owned())).collect();
        let asked = Asked {
            method: request.method().to_string(),
            path: request.path().to_owned(),
            query: request.query_string().to_owned(),
            headers,
        };
        let mut changed = asked.clone();
        (self.before)(&mut changed);
        if changed.headers != asked.headers {
            request.headers_mut().clear();
            for (name, value) in &changed.headers {
                let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
                request.headers_mut().append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
            }
        }
        if changed.method != asked.method {
            request.head_mut().method = Method::from_bytes(changed.method.as_bytes()).unwrap();
        }
        if (&changed.path, &changed.query) != (&asked.path, &asked.query) {
            let uri: Uri = format!("{}?{}", changed.path, changed.query).trim_end_matches('?').parse().unwrap();
            request.match_info_mut().get_mut().update(&uri);
            request.head_mut().uri = uri;
        }
        (asked, request)
    }
}

/// The answer as the kit gets it.
pub(crate) async fn through<B: MessageBody + 'static>(
    breakage: &'static Breakage,
    asked: Asked,
    answer: ServiceResponse<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let (request, response) = answer.into_parts();
    let (head, body) = response.into_parts();
    let body = to_bytes(body).await.map_err(|_| actix_web::error::ErrorBadGateway("no body"))?;
    let headers = head.headers().iter();
    let headers = headers.map(|(n, v)| (n.to_string(), String::from_utf8_lossy(v.as_bytes()).into_owned())).collect();
    let body = String::from_utf8_lossy(&body).into_owned();
    let mut given = Given { status: head.status().as_u16(), headers, body };
    (breakage.after)(&asked, &mut given);
    let mut made = HttpResponse::build(StatusCode::from_u16(given.status).unwrap());
    for (name, value) in given.headers.iter().filter(|(name, _)| *name != CONTENT_LENGTH.as_str()) {
        made.append_header((name.as_str(), value.as_str()));
    }
    Ok(ServiceResponse::new(request, made.body(given.body)))
}
