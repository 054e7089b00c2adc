//! The emulated portal's writes: once per idempotency key, whoever asks how often.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State as Shared};
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use relay_core::time::Timestamp;
use serde_json::{Value, json};

use super::portal::Portal;
use super::reply::{Answered, NO_CLIENT, Refused, answer};
use super::state::{Message, Note, State, UsedKey};

impl Portal {
    /// Carries out a write once per key: the first time 201, then 200 with the same answer, and
    /// 409 with other content.
    fn once(
        &self,
        headers: &HeaderMap,
        client: &str,
        body: &[u8],
        what: What,
    ) -> Result<Response, Refused> {
        let key = headers
            .get("idempotency-key")
            .and_then(|key| key.to_str().ok())
            .filter(|key| !key.is_empty())
            .ok_or(Refused::new(
                StatusCode::BAD_REQUEST,
                "idempotency_key_missing",
                "a write needs an Idempotency-Key",
            ))?;
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let member = |name| body.get(name).and_then(Value::as_str);
        let author = member("author");
        let text = member("text").unwrap_or_default();
        let input = format!("{what:?}\n{client}\n{author:?}\n{text}");
        let wanted = Wanted {
            what,
            client,
            author,
            text,
            key,
        };
        let (status, made) = self.settle(key, &input, &wanted)?;
        if status == StatusCode::CREATED {
            let content = json!({"author": author, "text": text, "key": key});
            self.kit.accept(what.operation(), &client, content);
        }
        Ok(answer(status, &self.shape(made)))
    }

    /// Looks the key up and carries the write out under one lock, so that two requests with one
    /// key at the same moment make one thing.
    fn settle(
        &self,
        key: &str,
        input: &str,
        wanted: &Wanted<'_>,
    ) -> Result<(StatusCode, Value), Refused> {
        let now = self.now();
        let mut state = self.state();
        if state.client(wanted.client).is_none() {
            return Err(NO_CLIENT);
        }
        if let Some(used) = state.used(key, now) {
            if used.input == input {
                return Ok((StatusCode::OK, used.answer.clone()));
            }
            return Err(Refused::new(
                StatusCode::CONFLICT,
                "idempotency_key_reused",
                "this key was used with other content",
            ));
        }
        // A message is a coach's; a note may be the integration's own.
        let own = wanted.author.is_none() && matches!(wanted.what, What::Note);
        if !own && !state.has_coach(wanted.author.unwrap_or_default()) {
            return Err(Refused::field("author", "no such coach"));
        }
        if wanted.text.trim().is_empty() {
            return Err(Refused::field("text", "there is nothing in it"));
        }
        let made = self.make(&mut state, wanted, now);
        let used = UsedKey {
            input: input.to_owned(),
            answer: made.clone(),
            at: now,
        };
        state.keys.insert(key.to_owned(), used);
        Ok((StatusCode::CREATED, made))
    }

    fn make(&self, state: &mut State, wanted: &Wanted<'_>, now: Timestamp) -> Value {
        match wanted.what {
            What::Message => {
                let message = Message {
                    id: self.kit.named_id("msg"),
                    client: wanted.client.to_owned(),
                    coach: wanted.author.map(str::to_owned),
                    sent_at: now,
                    text: wanted.text.to_owned(),
                    read_at: None,
                    key: Some(wanted.key.to_owned()),
                    word: None,
                };
                let shown = message.show();
                self.add_message(state, message);
                shown
            }
            What::Note => {
                let note = Note {
                    id: self.kit.named_id("note"),
                    client: wanted.client.to_owned(),
                    author: wanted.author.map(str::to_owned),
                    written_at: now,
                    text: wanted.text.to_owned(),
                    key: wanted.key.to_owned(),
                };
                let shown = note.show();
                state.notes.push(note);
                shown
            }
        }
    }
}

/// A write as it was asked for.
struct Wanted<'a> {
    what: What,
    client: &'a str,
    author: Option<&'a str>,
    text: &'a str,
    key: &'a str,
}

/// What a write makes.
#[derive(Debug, Clone, Copy)]
enum What {
    Message,
    Note,
}

impl What {
    fn operation(self) -> &'static str {
        match self {
            Self::Message => "portal_message",
            Self::Note => "portal_note",
        }
    }
}

pub(super) async fn send_message(
    Shared(portal): Shared<Arc<Portal>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Answered {
    portal.once(&headers, &id, &body, What::Message)
}

pub(super) async fn add_note(
    Shared(portal): Shared<Arc<Portal>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Answered {
    portal.once(&headers, &id, &body, What::Note)
}
