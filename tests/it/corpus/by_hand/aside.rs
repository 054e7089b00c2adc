//! What stands beside cases and their work: receipts, facts, tokens, engagement, settings.

use clear_relay::credentials::{SealKey, Sealer};
use clear_relay::engine::intake;
use clear_relay::sandbox::clinic::AUTOMATION_SECRET;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Method};
use relay_core::channel::{EngagementEvent, EngagementKind, EngagementSource};
use relay_core::ids::ReceiptId;
use relay_core::time::SignedDuration;
use relay_http_client::{Call, Transport as _};
use relay_store::{
    Authorization, CredentialLease, CredentialSettled, CredentialState, Engagement, FactRow,
    NewCredential, Op, Receipt, ReceiptState, WatchedContact,
};
use secrecy::SecretString;

use super::Hand;
use crate::corpus::{about, rows, samples, texts};

impl Hand<'_> {
    /// Receipts of every sender in every state.
    pub(super) async fn receipts(&self) {
        self.post("contactId=650&event=email_clicked&email=News")
            .await;
        self.post("contactId=~Contact.Id~&event=email_clicked")
            .await;
        intake::intake(&self.world.relay.engine)
            .await
            .expect("read");
        let all = rows::receipts(self.store).await;
        for source in ["clear-connection", "keap", "keap-automation"] {
            let model = all
                .iter()
                .find(|receipt| receipt.source == source && receipt.state == ReceiptState::Done);
            let model = model.unwrap_or_else(|| panic!("a receipt of {source}"));
            for state in ReceiptState::ALL {
                self.receipt(model, *state).await;
            }
        }
    }

    async fn post(&self, body: &str) {
        let mut headers = HeaderMap::new();
        let form = HeaderValue::from_static("application/x-www-form-urlencoded");
        headers.insert(CONTENT_TYPE, form);
        let path = format!("hooks/keap-automation/{AUTOMATION_SECRET}");
        let call = Call {
            method: Method::POST,
            url: self.world.relay_url().join(&path).expect("an address"),
            headers,
            body: body.to_owned().into(),
            timeout: std::time::Duration::from_secs(30),
        };
        let answer = self.world.relay_transport().send(call).await;
        assert!(answer.expect("an answer").status.is_success(), "{body}");
    }

    async fn receipt(&self, model: &Receipt, state: ReceiptState) {
        let id = ReceiptId::new(&self.random, self.now);
        // A repeat of the one that is not read yet, which the store finds out by itself.
        let (key, forever) = match state {
            ReceiptState::New | ReceiptState::Duplicate => ("corpus-new".to_owned(), false),
            _ => (format!("corpus-{}", state.as_str()), model.dedupe_forever),
        };
        let receipt = Receipt {
            id,
            dedupe_key: key,
            dedupe_forever: forever,
            received_at: self.now,
            state: ReceiptState::New,
            duplicate_of: None,
            note: None,
            processed_at: None,
            ..model.clone()
        };
        let mut ops = vec![Op::InsertReceipt(receipt)];
        if matches!(state, ReceiptState::Done | ReceiptState::Quarantined) {
            ops.push(Op::FinishReceipt {
                id,
                state,
                note: Some("the body can't be used".to_owned()),
                at: self.now,
            });
        }
        self.commit(ops).await;
    }

    /// Every kind of fact.
    pub(super) async fn facts(&self) {
        let client = "cora".into();
        let known = self.store.facts(&client).await.expect("a store");
        for body in samples::fact_bodies() {
            if known.iter().any(|row| row.fact.body.kind() == body.kind()) {
                continue;
            }
            let fact = relay_core::facts::Fact {
                client: "cora".into(),
                object: format!("corpus-{}", body.kind()),
                source_time: self.now,
                body,
            };
            let row = FactRow {
                fact,
                receipt: None,
                learned_at: self.now,
            };
            self.commit(vec![Op::InsertFact(row)]).await;
        }
    }

    /// Sealed tokens in every state, and an authorization that somebody has begun.
    pub(super) async fn credentials(&self) {
        // As the keeper itself seals them; a real pair, which opens a vendor that is no more.
        let clinic = crate::credentials::rig::Clinic::new();
        let process = clinic.connected().await;
        let real = clinic.row().await.pair;
        drop(process);
        let first = NewCredential {
            version: 1,
            ..real.clone()
        };
        assert_eq!(real.version, 1, "the first pair of a connection");
        let mut ops = vec![Op::PutCredential(first)];
        let key = SealKey::read(&SecretString::from(about::SEAL_KEY)).expect("a key");
        let keys = Sealer::new(key, Vec::new());
        for state in [CredentialState::Uncertain, CredentialState::Dead] {
            let name = format!("corpus-{}", state.as_str());
            let text = br#"{"access":"an-invented-token","refresh":"another-invented-token"}"#;
            let sealed = keys.seal(&self.random, &name, 1, text).expect("sealed");
            ops.push(Op::PutCredential(NewCredential {
                name: name.clone(),
                sealed,
                ..real.clone()
            }));
            ops.push(Op::LeaseCredential(CredentialLease {
                name: name.clone(),
                version: 1,
                owner: "worker-1".to_owned(),
                real_now: self.now,
                until: self.now + SignedDuration::from_mins(1),
                at: self.now,
            }));
            ops.push(Op::SettleCredential(CredentialSettled {
                name,
                version: 1,
                owner: "worker-1".to_owned(),
                state,
                tries: 1,
                note: Some("no answer came".to_owned()),
                at: self.now,
            }));
        }
        ops.push(Op::BeginAuthorization(Authorization {
            name: "keap".to_owned(),
            state_hash: [7; 32],
            expires_at: self.now + SignedDuration::from_mins(10),
        }));
        self.commit(ops).await;
    }

    /// Opens and clicks from every source, and addresses that are looked at.
    pub(super) async fn engagement(&self) {
        let mut ops = Vec::new();
        for (number, source) in EngagementSource::ALL.into_iter().enumerate() {
            for kind in [EngagementKind::Open, EngagementKind::Click] {
                let exact = source != EngagementSource::Post;
                let hour = SignedDuration::from_hours(i64::try_from(number).expect("few") + 1);
                let event = EngagementEvent {
                    at: self.now - hour,
                    kind,
                    exact,
                    seen_at: self.now,
                    source,
                    email: exact.then(|| format!("{number}").as_str().into()),
                    sent_at: exact.then(|| self.now - SignedDuration::from_hours(9)),
                    label: Some("News from the clinic".to_owned()),
                    link: Some("https://clinic.example.test/".to_owned()),
                };
                ops.push(Op::PutEngagement(Engagement {
                    contact: "651".into(),
                    event,
                    confirmed: None,
                }));
            }
        }
        for (contact, address) in [("651", Some("ab".repeat(32))), ("652", None)] {
            ops.push(Op::PutWatched(WatchedContact {
                contact: contact.into(),
                address,
                looked_at: Some(self.now),
            }));
        }
        self.commit(ops).await;
    }

    /// Settings that no day of this clinic leaves behind.
    pub(super) async fn settings(&self) {
        let mut ops = Vec::new();
        for (key, value) in texts::settings(self.now) {
            if self.store.setting(key).await.expect("a store").is_none() {
                ops.push(Op::PutSetting {
                    key: key.to_owned(),
                    value,
                });
            }
        }
        for vendor in ["keap", "portal", "corpus"] {
            if self
                .store
                .limiter_state(vendor)
                .await
                .expect("a store")
                .is_none()
            {
                ops.push(Op::PutLimiterState {
                    vendor: vendor.to_owned(),
                    expected: 0,
                    body: texts::pace(),
                });
            }
        }
        // Of a vendor that nobody calls, so that nothing waits for it.
        ops.push(Op::PutIncidents {
            vendor: "corpus".to_owned(),
            expected: 0,
            body: texts::incidents(),
        });
        self.commit(ops).await;
    }
}
