//! Mail from a template: the other names for the same things.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::super::reply::{Handled, Reply};
use super::super::request::Incoming;
use super::super::world::World;
use super::emails::{self, Mail};

/// `POST /v2/emails/templates:send`: `contact_ids` here, where `emails:send` says `contacts`.
pub(crate) fn send(world: &mut World<'_>, request: &Incoming) -> Handled {
    let contacts = emails::recipients(request, "contact_ids")?;
    let template = request.required("template_id")?;
    let template = world.state.templates.find(template);
    let template = template.ok_or_else(|| Reply::bad("template_id is invalid"))?;
    let subject = template.text("subject").unwrap_or_default().to_owned();
    let html = template.text("html").unwrap_or_default().to_owned();
    let user = request.required("user_id")?;
    let from = emails::user_address(world, user)?;
    let slot = emails::slot(world, request)?;
    let mail = Mail {
        operation: "email_template",
        content: json!({ "user_id": user, "subject": subject, "text": null, "html": html }),
        row: emails::row(&[
            ("subject", subject.into()),
            ("sent_from_address", from.clone().into()),
            ("sent_from_reply_address", from.into()),
            ("plain_content", serde_json::Value::Null),
            ("html_content", STANDARD.encode(html).into()),
        ]),
        slot,
    };
    for contact in contacts {
        emails::post(world, &contact, &mail);
    }
    Ok(Reply::empty(202))
}
