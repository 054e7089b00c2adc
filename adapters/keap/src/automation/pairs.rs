//! The pairs of a post, out of whatever form they came in.
//!
//! Multipart is read here and not by a crate: those at hand read a stream, asynchronously, while a
//! stored post is read again from its bytes whenever it is asked for, and a typed pair needs forty
//! lines. Files and nested parts are left out.

use percent_encoding::percent_decode;
use serde_json::Value;

use super::charset::Charset;
use super::{MAX_BODY, MAX_DEPTH, Unreadable};
use crate::webhook::{depth, without_bom};

/// Pairs beyond this are nobody's typing.
const MAX_PAIRS: usize = 64;

/// Names, as they are compared, and values, trimmed.
pub(super) struct Pairs(Vec<(String, String)>);

impl Pairs {
    pub(super) fn read(content_type: Option<&str>, body: &[u8]) -> Result<Self, Unreadable> {
        if body.len() > MAX_BODY {
            return Err(Unreadable::TooLong);
        }
        let body = without_bom(body);
        let charset = parameter(content_type.unwrap_or_default(), "charset");
        let charset = Charset::of(charset.as_deref());
        let raw = match Form::of(content_type, body) {
            Form::Multipart => multipart(content_type.unwrap_or_default(), body, charset)?,
            Form::Json => json(body)?,
            Form::Encoded => encoded(body, charset).take(MAX_PAIRS + 1).collect(),
        };
        if raw.len() > MAX_PAIRS {
            return Err(Unreadable::TooMany);
        }
        let pairs = raw.into_iter();
        let pairs = pairs.map(|(name, value)| (plain(&name), value.trim().to_owned()));
        Ok(Self(pairs.collect()))
    }

    pub(super) fn is_form(content_type: Option<&str>, body: &[u8]) -> bool {
        matches!(Form::of(content_type, body), Form::Encoded)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().all(|(_, value)| value.is_empty())
    }

    /// Every value that is not empty under one of `names`.
    pub(super) fn of(&self, names: &[&str]) -> Vec<&str> {
        let wanted =
            |(name, value): &&(String, String)| names.contains(&name.as_str()) && !value.is_empty();
        let found = self.0.iter().filter(wanted);
        found.map(|(_, value)| value.as_str()).collect()
    }

    pub(super) fn first(&self, name: &str) -> Option<&str> {
        self.of(&[name]).first().copied()
    }
}

enum Form {
    Encoded,
    Multipart,
    Json,
}

impl Form {
    /// What the media type says, else what it looks like: a step may send no type, or a wrong one.
    fn of(content_type: Option<&str>, body: &[u8]) -> Self {
        let kind = content_type.unwrap_or_default().trim().to_ascii_lowercase();
        if kind.starts_with("multipart/form-data") {
            Self::Multipart
        } else if kind.starts_with("application/json")
            || without_bom(body).trim_ascii_start().first() == Some(&b'{')
        {
            Self::Json
        } else {
            Self::Encoded
        }
    }
}

/// A name as it is compared: `Contact_Id` and `contactId` are one.
fn plain(name: &str) -> String {
    name.chars()
        .filter(|c| !matches!(c, '_' | '-' | ' ' | '.'))
        .flat_map(char::to_lowercase)
        .collect()
}

/// The pairs of a form. Read here because a usual reader of forms knows UTF-8 only.
fn encoded(body: &[u8], charset: Charset) -> impl Iterator<Item = (String, String)> {
    let pairs = body.trim_ascii().split(|byte| *byte == b'&');
    let pairs = pairs.filter(|pair| !pair.is_empty());
    pairs.map(move |pair| {
        let mut sides = pair.splitn(2, |byte| *byte == b'=');
        let mut side = || text(sides.next().unwrap_or_default(), charset);
        (side(), side())
    })
}

fn text(written: &[u8], charset: Charset) -> String {
    let blanks = |byte: &u8| if *byte == b'+' { b' ' } else { *byte };
    let spaced: Vec<u8> = written.iter().map(blanks).collect();
    let bytes: Vec<u8> = percent_decode(&spaced).collect();
    charset.decode(&bytes)
}

/// The texts and numbers of an object; what is nested is not looked at.
fn json(body: &[u8]) -> Result<Vec<(String, String)>, Unreadable> {
    if depth(body) > MAX_DEPTH {
        return Err(Unreadable::NotJson);
    }
    let value: Value = serde_json::from_slice(body).map_err(|_| Unreadable::NotJson)?;
    let object = value.as_object().ok_or(Unreadable::NotJson)?;
    if object.len() > MAX_PAIRS {
        return Err(Unreadable::TooMany);
    }
    let pairs = object.iter().filter_map(|(name, value)| {
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            _ => return None,
        };
        Some((name.clone(), text))
    });
    Ok(pairs.collect())
}

fn multipart(
    content_type: &str,
    body: &[u8],
    charset: Charset,
) -> Result<Vec<(String, String)>, Unreadable> {
    let boundary = parameter(content_type, "boundary").ok_or(Unreadable::NotMultipart)?;
    if boundary.is_empty() || boundary.len() > 70 {
        return Err(Unreadable::NotMultipart);
    }
    let delimiter = format!("--{boundary}");
    let mut parts = split(body, delimiter.as_bytes()).into_iter();
    // What stands before the first delimiter means nothing.
    parts.next();
    let mut pairs = Vec::new();
    let mut ended = false;
    for part in parts {
        if part.starts_with(b"--") {
            ended = true;
            break;
        }
        pairs.extend(field(part, charset));
        if pairs.len() > MAX_PAIRS {
            return Err(Unreadable::TooMany);
        }
    }
    if ended {
        Ok(pairs)
    } else {
        Err(Unreadable::NotMultipart)
    }
}

fn split<'a>(body: &'a [u8], delimiter: &[u8]) -> Vec<&'a [u8]> {
    let mut parts = Vec::new();
    let mut rest = body;
    while let Some(at) = find(rest, delimiter) {
        let (part, after) = rest.split_at(at);
        parts.push(part);
        rest = after.get(delimiter.len()..).unwrap_or_default();
    }
    parts.push(rest);
    parts
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len().max(1))
        .position(|window| window == wanted)
}

/// The name and the value of a part; `None` for a file or a part without a name.
fn field(part: &[u8], charset: Charset) -> Option<(String, String)> {
    let end = find(part, b"\r\n\r\n")?;
    let (head, value) = part.split_at(end);
    let value = value.get(4..)?;
    let value = value.strip_suffix(b"\r\n").unwrap_or(value);
    let head = charset.decode(head);
    let header = |wanted: &str| {
        head.lines().find(|line| {
            let name = line.split(':').next().unwrap_or_default();
            name.trim().eq_ignore_ascii_case(wanted)
        })
    };
    let disposition = header("content-disposition")?;
    if parameter(disposition, "filename").is_some() {
        return None;
    }
    let name = parameter(disposition, "name")?;
    // A part may say what it is; else it is what the whole is.
    let own = header("content-type").and_then(|header| parameter(header, "charset"));
    let charset = own.map_or(charset, |own| Charset::of(Some(&own)));
    Some((name, charset.decode(value)))
}

/// A parameter of a header's value, with or without quotes.
fn parameter(header: &str, wanted: &str) -> Option<String> {
    header.split(';').skip(1).find_map(|part| {
        let (name, value) = part.split_once('=')?;
        let value = value.trim().trim_matches('"');
        name.trim()
            .eq_ignore_ascii_case(wanted)
            .then(|| value.to_owned())
    })
}
