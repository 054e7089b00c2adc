//! What vendors say beside their answers: the time, and how much of a limit is left.
//!
//! [`Heard`] stands between a vendor's client and the transport and keeps the headers of the last
//! answer of each host. It changes nothing on the way.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use http::HeaderMap;
use http::header::DATE;
use relay_core::time::{Clock, SignedDuration, Timestamp};
use relay_http_client::{Answer, Call, Transport, TransportError};
use url::Url;

use super::{Area, Finding};
use crate::config::is_loopback;

/// Beyond this somebody should look at the clocks.
const APART: SignedDuration = SignedDuration::from_secs(30);
/// Beyond this every signed webhook is refused.
const TOO_FAR: SignedDuration = SignedDuration::from_mins(5);

/// The headers of an answer, and when it was under way.
#[derive(Debug, Clone)]
pub struct HeardAnswer {
    /// The headers.
    pub headers: HeaderMap,
    asked_at: Timestamp,
    heard_at: Timestamp,
}

/// A transport that remembers what it heard last from each host.
#[derive(Debug)]
pub struct Heard {
    inner: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    last: Mutex<BTreeMap<String, HeardAnswer>>,
}

impl Heard {
    /// Listens to `inner`. `clock` is procedure time: signatures are checked against it.
    pub fn new(inner: Arc<dyn Transport>, clock: Arc<dyn Clock>) -> Self {
        Self {
            inner,
            clock,
            last: Mutex::default(),
        }
    }

    /// The last answer of the vendor at `base`.
    pub fn of(&self, base: &Url) -> Option<HeardAnswer> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.get(base.host_str()?).cloned()
    }

    /// What the vendor `who` at `base` says of the time. Nothing, where it says none, or lives on
    /// this machine and has its clock.
    pub fn time_of(&self, base: &Url, who: &str) -> Option<Finding> {
        if is_loopback(base) {
            return None;
        }
        let answer = self.of(base)?;
        let date = answer.headers.get(DATE)?.to_str().ok()?;
        let theirs = jiff::fmt::rfc2822::parse(date).ok()?.timestamp();
        Some(clock(who, theirs, &answer))
    }
}

/// A header has whole seconds, and an answer may have been long under way: only what neither
/// explains counts.
fn clock(who: &str, theirs: Timestamp, answer: &HeardAnswer) -> Finding {
    let ahead = theirs.duration_since(answer.heard_at);
    let behind = answer.asked_at.duration_since(theirs) - SignedDuration::from_secs(1);
    let (apart, word) = if ahead > behind {
        (ahead, "behind")
    } else {
        (behind, "ahead of")
    };
    let subject = "clock";
    if apart <= APART {
        let what = format!("this machine's clock and that of {who} agree");
        return Finding::ok(Area::Clock, subject, what);
    }
    let what = format!(
        "this machine's clock is {} seconds {word} that of {who}",
        apart.as_secs()
    );
    let remedy = "let the machine set its clock by NTP: timedatectl set-ntp true";
    if apart <= TOO_FAR {
        return Finding::warning(Area::Clock, subject, what, remedy);
    }
    let what = format!("{what}: signed webhooks are refused beyond five minutes");
    Finding::fault(Area::Clock, subject, what, remedy)
}

#[async_trait]
impl Transport for Heard {
    async fn send(&self, call: Call) -> Result<Answer, TransportError> {
        let host = call.url.host_str().unwrap_or_default().to_owned();
        let asked_at = self.clock.now();
        let answer = self.inner.send(call).await?;
        let heard = HeardAnswer {
            headers: answer.headers.clone(),
            asked_at,
            heard_at: self.clock.now(),
        };
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.insert(host, heard);
        Ok(answer)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Severity;
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_762_185_600 + seconds).expect("a time")
    }

    fn severity(theirs: i64, asked: i64, heard: i64) -> Severity {
        let answer = HeardAnswer {
            headers: HeaderMap::new(),
            asked_at: at(asked),
            heard_at: at(heard),
        };
        clock("somebody", at(theirs), &answer).severity
    }

    #[test]
    fn only_what_neither_rounding_nor_a_slow_answer_explains_counts() {
        assert_eq!(severity(0, 0, 0), Severity::Ok);
        assert_eq!(severity(30, 0, 0), Severity::Ok);
        assert_eq!(severity(31, 0, 0), Severity::Warning);
        assert_eq!(severity(-31, 0, 0), Severity::Ok);
        assert_eq!(severity(-32, 0, 0), Severity::Warning);
        assert_eq!(severity(300, 0, 0), Severity::Warning);
        assert_eq!(severity(301, 0, 0), Severity::Fault);
        assert_eq!(severity(-302, 0, 0), Severity::Fault);
        // Under way for ten minutes: the header was written at some time of them.
        assert_eq!(severity(0, 0, 600), Severity::Ok);
        assert_eq!(severity(600, 0, 600), Severity::Ok);
    }
}
