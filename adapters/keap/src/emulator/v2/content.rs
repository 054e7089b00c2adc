//! What becomes of an email's content on its way: encoding, comments, merge fields, attachments.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::super::oddities::{HtmlComment, MergeFields};
use super::super::reply::Reply;
use super::super::request::Incoming;
use super::super::settings::Undecodable;
use super::super::world::World;

/// Files in one email.
const MAX_FILES: usize = 10;
/// Bytes of one file.
const MAX_FILE: usize = 1024 * 1024;
/// What a file may be, by its ending.
const ENDINGS: &str = " bmp cdr fpx gif jif jiff jp2 jpeg jpg jpx j2k pcd pdf png psd pspimage thm \
    tif tiff yuv doc docx err log msg notes pages pwd rtf text txt vcf wp wp4 wp5 wp7 wpd wps wsd \
    xdl mid mp3 mp4 wav wma avi divx f4p flv gvi hdmov hdv m2ts m4v mnv mov movie mp4v mpeg mpeg1 \
    mpeg4 mpg qt rm vob wm wmv csv ics key pps ppt pptx xlr xls xlsx xml zip ";

/// Content is Base64 of UTF-8; what becomes of other content is a switch.
pub(crate) fn decoded(world: &World<'_>, part: Option<&str>) -> Result<Option<String>, Reply> {
    let Some(part) = part else { return Ok(None) };
    let bytes = STANDARD.decode(part).ok();
    match bytes.and_then(|bytes| String::from_utf8(bytes).ok()) {
        Some(text) => Ok(Some(text)),
        None if world.settings.undecodable == Undecodable::Sent => Ok(Some(part.to_owned())),
        None => Err(Reply::bad("content is not valid Base64")),
    }
}

/// The attachments, checked. They are not kept.
pub(crate) fn check_attachments(request: &Incoming) -> Result<(), Reply> {
    let Some(list) = request.member("attachments") else {
        return Ok(());
    };
    let files = list.as_array().filter(|files| files.len() <= MAX_FILES);
    for file in files.ok_or_else(|| Reply::bad("attachments are too many"))? {
        let name = file["file_name"].as_str().unwrap_or_default();
        let ending = name
            .rsplit_once('.')
            .map(|(_, ending)| ending.to_lowercase());
        let known = ending.is_some_and(|ending| {
            !ending.contains(' ') && ENDINGS.contains(&format!(" {ending} "))
        });
        if !known {
            return Err(Reply::bad("attachment type is invalid"));
        }
        let data = file["file_data"].as_str().map(|data| STANDARD.decode(data));
        match data {
            Some(Ok(data)) if data.len() <= MAX_FILE => {}
            _ => return Err(Reply::bad("attachment data is invalid")),
        }
    }
    Ok(())
}

/// A stored part as the single read shows it to whoever asks.
pub(crate) fn shown(world: &World<'_>, contact: &str, part: &Value, is_html: bool) -> Value {
    let oddities = &world.settings.oddities;
    let strips = is_html && oddities.html_comment == HtmlComment::Stripped;
    let expands = oddities.merge_fields == MergeFields::Expanded;
    let text = part.as_str().filter(|_| strips || expands);
    let decoded = text.and_then(|text| STANDARD.decode(text).ok());
    let Some(mut text) = decoded.and_then(|bytes| String::from_utf8(bytes).ok()) else {
        return part.clone();
    };
    if strips {
        text = without_comments(&text);
    }
    if expands {
        text = expanded(world, contact, &text);
    }
    STANDARD.encode(text).into()
}

fn without_comments(html: &str) -> String {
    let mut pieces = html.split("<!--");
    let mut kept = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        kept.push_str(piece.split_once("-->").map_or("", |(_, rest)| rest));
    }
    kept
}

fn expanded(world: &World<'_>, contact: &str, text: &str) -> String {
    let record = world.state.contacts.find(contact);
    let member = |name: &str| record.and_then(|r| r.text(name)).unwrap_or_default();
    let address = record.and_then(|r| world.state.address(r.id));
    text.replace("~Contact.FirstName~", member("given_name"))
        .replace("~Contact.LastName~", member("family_name"))
        .replace("~Contact.Email~", &address.unwrap_or_default())
}
