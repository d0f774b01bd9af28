//! `POST /auth/revoke` (RFC 7009): a client withdraws a token of its own. The next request that presents it is from nobody.
//! Whether there was such a token, the answer does not say.

use actix_web::{HttpRequest, web};

use super::form::Form;
use super::{Refusal, client};
use crate::api::answer::Answer;
use crate::api::trail::Trail;
use crate::app::Gateway;
use crate::fault::Status;

pub(super) async fn withdraw(
    request: &HttpRequest,
    gateway: &web::Data<Gateway>,
    form: &Form,
    trail: &mut Trail,
) -> Result<Answer, Refusal> {
    let token = form.get("token").ok_or(Refusal::InvalidRequest("token is missing."))?;
    let (client, _) = client::known(request, gateway, form, trail).await?.durably().await?;
    gateway.registry().withdraw(token, &client.client.caller.client);
    Ok(Answer::empty(Status::Ok))
}
