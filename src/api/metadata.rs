//! What the gateway says of itself to anybody, and nothing of anyone: the CapabilityStatement (http.html#capabilities), the
//! OpenAPI description, and the SMART configuration where access tokens are issued (`docs/adr/0027`). All follow from the tables
//! by which requests are answered (`metadata/offer.rs`) and from the definitions in force, and are kept in the form in which
//! they leave.

mod kept;
pub(super) mod offer;
mod smart;
mod statement;

use std::hash::{DefaultHasher, Hash, Hasher};

use actix_web::{HttpRequest, web};

use super::answer::{Answer, Content};
use super::asked::{Asked, Format};
use super::conditional::is_unchanged;
use super::form::Formed;
use super::routes::blocking;
use super::search::conformance;
use super::{forwarded, oauth, openapi};
use crate::app::{Conformance, Gateway};
use crate::config::Origins;
use crate::consent::{Permitted, Public};
use crate::fault::{Fault, Status, rules};
use kept::{About, Form, Key, What};
use offer::Mode;

pub(super) use kept::Text;

rules! {
    NO_SMART "no-smart-configuration" Error NotSupported
        "This gateway issues no SMART access tokens, so it has no SMART configuration; its callers are known by the tokens they were registered with."
        "このゲートウェイはSMARTのアクセストークンを発行しないため、SMART設定はありません。呼び出し元は登録済みのトークンで識別します。"
}

/// `GET /fhir/metadata`. The same whatever `mode` asks for, as the standard allows.
pub(super) async fn metadata(request: &HttpRequest, gateway: &web::Data<Gateway>) -> Answer {
    answer(request, gateway, What::Statement).await.unwrap_or_else(Answer::from)
}

/// The CapabilityStatement as an entry of a Bundle holds it, written anew: a form that is kept is no part of another.
pub(super) async fn in_entry(gateway: &web::Data<Gateway>) -> Result<Answer, Fault> {
    let conformance = conformance(gateway).await?;
    let about = About {
        what: What::Statement,
        mode: Mode::of(gateway),
        base: gateway.base_url().to_owned(),
        cors: has_cors(gateway),
        definitions: conformance.stamp(),
        profiles: stamp_of(&conformance),
        smart: gateway.registry().issues_tokens(),
    };
    let public = Public::definition(written(&about, &conformance));
    let public = public.ok_or_else(|| Fault::Broken("a definition begins otherwise".into()))?;
    Ok(Answer::ok(Permitted::<String>::public(public).map(String::into_bytes)))
}

/// `GET /fhir/openapi.json`: OpenAPI 3.1.
pub(super) async fn openapi(request: &HttpRequest, gateway: &web::Data<Gateway>) -> Answer {
    answer(request, gateway, What::OpenApi).await.unwrap_or_else(Answer::from)
}

/// `GET /fhir/.well-known/smart-configuration`, also without `/fhir`: where access tokens are issued, by which means and for
/// what. There is none where nobody can get one.
pub(super) fn smart_configuration(request: &HttpRequest, gateway: &Gateway) -> Answer {
    if !gateway.registry().issues_tokens() {
        return Answer::refuse(Status::NotFound, &NO_SMART, "");
    }
    match Public::protocol(smart::configuration(&oauth::base(request, gateway), &gateway.registry().askers())) {
        Some(public) => Answer::bytes(Permitted::<String>::public(public).map(String::into_bytes), "application/json"),
        None => Answer::from(Fault::Broken("a SMART configuration begins otherwise".into())),
    }
}

async fn answer(request: &HttpRequest, gateway: &web::Data<Gateway>, what: What) -> Result<Answer, Fault> {
    let (asked, conformance) = (Asked::of(request), conformance(gateway).await?);
    let about = About {
        what,
        mode: Mode::of(gateway),
        base: forwarded::base_url(request, gateway).unwrap_or_else(|| gateway.base_url().to_owned()),
        cors: has_cors(gateway),
        definitions: conformance.stamp(),
        profiles: stamp_of(&conformance),
        smart: gateway.registry().issues_tokens(),
    };
    let key = Key { about, form: Form::of(&asked, what) };
    let text = match Text::find(&key) {
        Some(text) => text,
        None => {
            let about = key.about.clone();
            let json = blocking(move || Ok(written(&about, &conformance))).await?;
            let tag = crc32fast::hash(json.as_bytes());
            let (public, is_fhir) = match what {
                What::Statement => (Public::definition(json), true),
                What::OpenApi => (Public::interface(json), false),
            };
            let public = public.ok_or_else(|| Fault::Broken("a definition begins otherwise".into()))?;
            let body = Permitted::<String>::public(public).map(String::into_bytes);
            let content = match is_fhir {
                true => Content::Fhir(body),
                false => Content::Other(Box::new((body, Format::Json.content_type().into()))),
            };
            let formed = Formed::of(content, asked).await?;
            Text::keep(key, formed.ok_or_else(|| Fault::Broken("a text without a body".into()))?, tag)
        }
    };
    let tag = Some(text.tag);
    // There is no instant at which it changed: it changes with the program, its configuration and the definitions.
    if is_unchanged(request, text.tag, i64::MAX) {
        return Ok(Answer { version: tag, ..Answer::empty(Status::NotModified) });
    }
    let content_type = match what {
        What::Statement => asked.format.unwrap_or(Format::FhirJson).content_type(),
        What::OpenApi => Format::Json.content_type(),
    };
    Ok(Answer { version: tag, ..Answer::of(Status::Ok, Content::Kept(text, content_type)) })
}

/// Differs where the profiles do.
fn stamp_of(conformance: &Conformance) -> u64 {
    let mut hasher = DefaultHasher::new();
    conformance.profiles().of_resources().iter().for_each(|(of, url)| (of.name(), url).hash(&mut hasher));
    hasher.finish()
}

/// Whether scripts of any web page may call.
fn has_cors(gateway: &Gateway) -> bool {
    !matches!(&gateway.http().origins, Origins::These(none) if none.is_empty())
}

fn written(about: &About, conformance: &Conformance) -> String {
    let definitions = conformance.definitions();
    match about.what {
        What::Statement => {
            let profiles = conformance.profiles().of_resources();
            let offered = statement::Offered { mode: about.mode, definitions, profiles };
            statement::statement(&offered, &about.base, (about.cors, about.smart))
        }
        What::OpenApi => openapi::description(about.mode, definitions, &about.base),
    }
}
