//! `GET /intake/receipts/[letter]`: what became of a letter, for those who sent it and the network's office.

use std::sync::Arc;

use actix_web::{HttpRequest, web};

use super::answer::Answer;
use super::caller::caller;
use super::intake;
use super::routes::blocking;
use super::trail::Trail;
use crate::app::Gateway;
use crate::audit::What;
use crate::consent::{Caller, Permitted};
use crate::fault::Fault;
use crate::letter::LetterId;

pub(super) async fn read(request: HttpRequest, gateway: web::Data<Gateway>, letter: &str) -> Answer {
    let mut trail = Trail::begin(&gateway, &request, What::Read);
    let answer = match caller(&gateway, &request) {
        Err(denied) => trail.refuse(denied),
        Ok(caller) => {
            trail.caller(&caller);
            let answer = answer(&gateway, &request, &caller, letter, &mut trail).await;
            answer.unwrap_or_else(|fault| trail.fail(fault))
        }
    };
    trail.close(&gateway, answer).await
}

/// A letter of somebody else's is answered like one that never came.
async fn answer(
    gateway: &web::Data<Gateway>,
    request: &HttpRequest,
    caller: &Arc<Caller>,
    letter: &str,
    trail: &mut Trail,
) -> Result<Answer, Fault> {
    let Some(id) = LetterId::parse(letter) else { return Ok(Answer::not_found()) };
    let reader = gateway.clone();
    let found = blocking(move || Ok((reader.sender(id)?, reader.pipeline().receipt(id)?))).await?;
    let (Some(source), receipt) = found else { return Ok(Answer::not_found()) };
    if let Err(denied) = Permitted::receipt(caller, &source.facility, ()) {
        return Ok(trail.refuse(denied));
    }
    let Some(receipt) = receipt else {
        // Kept, and not read yet: it is under way, or the machine stopped and it is to be sent again.
        let progress = gateway.containers().progress(id).unwrap_or_default();
        return Ok(intake::under_way(request, caller, &source.facility, id, progress));
    };
    if let Some(patient) = receipt.record() {
        trail.saw(patient, None, receipt.resources.len());
    }
    // The receipt was read well, whatever became of the letter.
    Ok(intake::answer(request, caller, &source.facility, &receipt).with_status(crate::fault::Status::Ok))
}
