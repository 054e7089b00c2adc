//! The automation step "Send HTTP Post".
//!
//! A person types the address and the pairs; merge fields in values are filled for the contact,
//! and nothing is sent that was not typed. One attempt, whatever becomes of it, and the answer is
//! not looked at. While a person tests the step, merge fields are sent as they are.

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue};
use relay_http_client::emulation::{Order, lock};
use url::{Url, form_urlencoded};

use super::hooks::Post;
use super::tenant::Keap;
use super::things::NewPost;
use super::world::World;

/// Seconds until an automation gets round to a step.
const SOON: std::ops::RangeInclusive<u32> = 1..=30;

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
        let post = Post {
            url: new.url.clone(),
            body: form.finish(),
        };
        let due = self.kit.soon(&SOON);
        self.state.posts.put(due, post);
        Ok(new.contact)
    }
}

impl Keap {
    /// Makes the posts that are due, one after another, each once. Returns how many.
    pub(super) async fn post_due(&self) -> usize {
        let due = lock(&self.state).posts.due(self.kit.now(), Order::Due);
        for number in &due {
            let Some(waiting) = lock(&self.state).posts.attempt(*number) else {
                continue;
            };
            let mut headers = HeaderMap::new();
            let form = HeaderValue::from_static("application/x-www-form-urlencoded");
            headers.insert(CONTENT_TYPE, form);
            // One attempt, and nobody reads the answer.
            let post = waiting.what;
            let _ = self.kit.post(&post.url, headers, post.body).await;
            lock(&self.state).posts.done(*number);
        }
        due.len()
    }
}
