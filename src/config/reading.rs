//! Files that people write: configuration, secrets, parameters, texts.
//!
//! One way to read them, for every command: what an editor or a shell adds without being asked
//! (a byte order mark, carriage returns, a line end) is taken off, and what can't be meant is
//! refused in words that say what to do, before anything is made of it.

use std::fs::File;
use std::io::{BufRead as _, BufReader, ErrorKind, Read as _};
use std::path::Path;

use secrecy::SecretString;

/// Bytes of a secret that stands in a file.
const MAX_SECRET: u64 = 16 * 1024;
/// Bytes of any other file that is read whole.
const MAX_TEXT: u64 = 4 * 1024 * 1024;

/// What is wrong with a file or a secret. Never quotes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unusable {
    /// Goes on from the name of the file or key: "is empty".
    pub(crate) wrong: String,
    /// What to do about it.
    pub(crate) remedy: &'static str,
    /// Whether there is no such file.
    pub(crate) absent: bool,
}

fn unusable(wrong: impl Into<String>, remedy: &'static str) -> Unusable {
    Unusable {
        wrong: wrong.into(),
        remedy,
        absent: false,
    }
}

fn unreadable(error: &std::io::Error) -> Unusable {
    Unusable {
        wrong: format!("can't be read ({})", error.kind()),
        remedy: "name a readable file: one that is there, and that the relay's user may read",
        absent: error.kind() == ErrorKind::NotFound,
    }
}

const AS_UTF8: &str = "save it as UTF-8 text";

/// The text of a file, without a byte order mark, its lines ended by a line feed.
///
/// # Errors
/// A file that can't be read, is no UTF-8 text or longer than 4 MiB.
pub(crate) fn text(path: &Path) -> Result<String, Unusable> {
    let file = File::open(path).map_err(|error| unreadable(&error))?;
    let mut bytes = Vec::new();
    file.take(MAX_TEXT + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| unreadable(&error))?;
    if bytes.len() as u64 > MAX_TEXT {
        return Err(unusable("is longer than 4 MiB", "name the right file"));
    }
    let text = decoded(bytes)?;
    Ok(text.replace("\r\n", "\n"))
}

/// The secret on a file's first line. No more is read: a name that leads to an endless file (a
/// device, a log) must not fill the memory.
///
/// # Errors
/// A file that can't be read, and what [`secret`] refuses.
pub(crate) fn secret_file(path: &Path) -> Result<SecretString, Unusable> {
    let file = File::open(path).map_err(|error| unreadable(&error))?;
    let mut line = Vec::new();
    BufReader::new(file)
        .take(MAX_SECRET + 1)
        .read_until(b'\n', &mut line)
        .map_err(|error| unreadable(&error))?;
    if line.len() as u64 > MAX_SECRET {
        return Err(unusable(
            "holds a first line that is too long",
            "name a file whose first line is the secret",
        ));
    }
    secret(&decoded(line)?)
}

/// A secret as it was written: what surrounds it is taken off, and what no key or token has in it
/// is refused. They all travel in headers and addresses, as visible ASCII.
///
/// # Errors
/// An empty text, one in quotes, one with blanks or other characters in it.
pub(crate) fn secret(written: &str) -> Result<SecretString, Unusable> {
    let text = written.trim_start_matches('\u{feff}').trim();
    let quotes = ['"', '\'', '`', '\u{201c}', '\u{201d}'];
    if text.is_empty() {
        return Err(unusable("is empty", "write the secret there"));
    }
    if text.starts_with(quotes) && text.ends_with(quotes) {
        return Err(unusable(
            "is in quotes, which would be taken for part of the secret",
            "write it without quotes",
        ));
    }
    if text.chars().any(char::is_whitespace) {
        return Err(unusable(
            "holds a blank",
            "write the secret alone, without a word before or behind it",
        ));
    }
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(unusable(
            "holds a character that no key has, perhaps one that can't be seen",
            "copy the secret anew, as plain text",
        ));
    }
    Ok(SecretString::from(text.to_owned()))
}

fn decoded(bytes: Vec<u8>) -> Result<String, Unusable> {
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(unusable("is saved as UTF-16", AS_UTF8));
    }
    let text = String::from_utf8(bytes).map_err(|_| unusable("is not UTF-8 text", AS_UTF8))?;
    Ok(text.trim_start_matches('\u{feff}').to_owned())
}
