//! What becomes of an email's content on its way: encoding, comments.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::super::oddities::HtmlComment;
use super::super::world::World;

/// Content is Base64 of UTF-8; other content is sent as it is, and the recipient sees the markup.
pub(crate) fn decoded(part: Option<&str>) -> Option<String> {
    let part = part?;
    let bytes = STANDARD.decode(part).ok();
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    Some(text.unwrap_or_else(|| part.to_owned()))
}

/// A stored part as the single read shows it.
pub(crate) fn shown(world: &World<'_>, part: &Value, is_html: bool) -> Value {
    let strips = world.settings.oddities.html_comment == HtmlComment::Stripped;
    let text = part.as_str().filter(|_| is_html && strips);
    let bytes = text.and_then(|text| STANDARD.decode(text).ok());
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    text.map_or_else(
        || part.clone(),
        |text| STANDARD.encode(without_comments(&text)).into(),
    )
}

fn without_comments(html: &str) -> String {
    let mut pieces = html.split("<!--");
    let mut kept = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        kept.push_str(piece.split_once("-->").map_or("", |(_, rest)| rest));
    }
    kept
}
