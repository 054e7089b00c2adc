//! The automation step "Send HTTP Post".
//!
//! A person types the address and the pairs; merge fields in values are filled for the contact,
//! and nothing is sent that was not typed. One attempt, whatever becomes of it, and the answer is
//! not looked at. While a person tests the step, merge fields are sent as they are.

use std::collections::BTreeMap;

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue};
use relay_core::time::Timestamp;
use serde::Deserialize;
use url::{Url, form_urlencoded};

use super::world::World;
use super::{Keap, lock};

/// Seconds until an automation gets round to a step.
const SOON: std::ops::RangeInclusive<u32> = 1..=30;

/// A step that an automation reaches.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub struct NewPost {
    /// For whom.
    pub contact: u64,
    /// The address as typed: `https`, port 443, or `http`, port 80.
    pub url: String,
    /// The pairs as typed; `~Contact.Id~` and `~Contact.Email~` are filled.
    pub pairs: BTreeMap<String, String>,
    /// A person tests the step: nothing is filled.
    pub test: bool,
}

/// A post that is still to be made.
#[derive(Debug, Clone)]
pub(super) struct Outgoing {
    pub(super) due: Timestamp,
    url: String,
    body: String,
}

impl World<'_> {
    pub(super) fn automation_post(&mut self, new: &NewPost) -> Result<u64, String> {
        self.state
            .contacts
            .get(new.contact)
            .ok_or("no such contact")?;
        let url = Url::parse(&new.url).map_err(|_| "the address can't be read")?;
        if !matches!(url.port_or_known_default(), Some(80 | 443)) {
            return Err("the step posts to ports 80 and 443 only".to_owned());
        }
        let address = self.state.address(new.contact).unwrap_or_default();
        let id = new.contact.to_string();
        let mut form = form_urlencoded::Serializer::new(String::new());
        for (name, value) in &new.pairs {
            if new.test {
                form.append_pair(name, value);
            } else {
                let filled = value.replace("~Contact.Id~", &id);
                form.append_pair(name, &filled.replace("~Contact.Email~", &address));
            }
        }
        let post = Outgoing {
            due: self.soon(&SOON),
            url: new.url.clone(),
            body: form.finish(),
        };
        self.state.posts.push(post);
        Ok(new.contact)
    }
}

impl Keap {
    /// Makes the posts that are due, one after another, each once. Returns how many.
    pub(super) async fn post_due(&self) -> usize {
        let mut made = 0;
        loop {
            let next = {
                let now = self.now();
                let mut state = lock(&self.state);
                let due = state
                    .posts
                    .iter()
                    .enumerate()
                    .filter(|(_, post)| post.due <= now);
                let first = due
                    .min_by_key(|(at, post)| (post.due, *at))
                    .map(|(at, _)| at);
                first.map(|at| state.posts.remove(at))
            };
            let Some(post) = next else { return made };
            made += 1;
            let mut headers = HeaderMap::new();
            let form = HeaderValue::from_static("application/x-www-form-urlencoded");
            headers.insert(CONTENT_TYPE, form);
            // One attempt, and nobody reads the answer.
            let _ = self.send(&post.url, headers, post.body).await;
        }
    }
}
