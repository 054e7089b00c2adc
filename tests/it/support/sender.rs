//! Two invented senders: one signs, one has a secret in its path and a handshake.

use clear_relay::receipts::{Parsed, Refusal, Source, Verified};
use http::{HeaderMap, HeaderName, StatusCode};
use relay_core::time::Timestamp;
use relay_store::Receipt;

/// Signs with the header `x-signature: good`; the id is in `x-id`.
#[derive(Debug)]
pub(crate) struct Signing;

impl Source for Signing {
    fn name(&self) -> &'static str {
        "signing"
    }
    fn secret_in_path(&self) -> bool {
        false
    }
    fn max_body(&self) -> usize {
        1000
    }
    fn admit(
        &self,
        headers: &HeaderMap,
        _path_secret: Option<&str>,
        _now: Timestamp,
    ) -> Result<(), Refusal> {
        match headers.get("x-signature") {
            Some(_) => Ok(()),
            None => Err(Refusal {
                status: StatusCode::BAD_REQUEST,
                code: "missing_header",
                message: "sign with x-signature".to_owned(),
            }),
        }
    }
    fn verify(
        &self,
        headers: &HeaderMap,
        _path_secret: Option<&str>,
        _body: &[u8],
        _now: Timestamp,
    ) -> Result<Verified, Refusal> {
        let refuse = |status, code| Refusal {
            status,
            code,
            message: "sign with x-signature".to_owned(),
        };
        let Some(signature) = headers.get("x-signature") else {
            return Err(refuse(StatusCode::BAD_REQUEST, "missing_header"));
        };
        if signature == "gone" {
            return Err(refuse(StatusCode::GONE, "gone"));
        }
        if signature != "good" {
            return Err(refuse(StatusCode::UNAUTHORIZED, "signature_mismatch"));
        }
        let id = headers.get("x-id").and_then(|id| id.to_str().ok());
        Ok(Verified::Delivery {
            dedupe_key: id.unwrap_or("none").to_owned(),
            dedupe_forever: true,
            verified_by: "key-a".to_owned(),
        })
    }
    fn parse(&self, _receipt: &Receipt) -> Parsed {
        Parsed::Quarantine {
            reason: "not read here".to_owned(),
            hints: Vec::new(),
            facts: Vec::new(),
            unread: Vec::new(),
        }
    }
}

/// Has the secret `right` in its path, and echoes `x-hook-secret`.
#[derive(Debug)]
pub(crate) struct Secretive;

impl Source for Secretive {
    fn name(&self) -> &'static str {
        "secretive"
    }
    fn secret_in_path(&self) -> bool {
        true
    }
    fn max_body(&self) -> usize {
        1000
    }
    fn admit(
        &self,
        _headers: &HeaderMap,
        path_secret: Option<&str>,
        _now: Timestamp,
    ) -> Result<(), Refusal> {
        if path_secret == Some("right") {
            return Ok(());
        }
        Err(Refusal {
            status: StatusCode::NOT_FOUND,
            code: "wrong_secret",
            message: "the path holds no secret of ours".to_owned(),
        })
    }
    fn verify(
        &self,
        headers: &HeaderMap,
        path_secret: Option<&str>,
        body: &[u8],
        _now: Timestamp,
    ) -> Result<Verified, Refusal> {
        if path_secret != Some("right") {
            return Err(Refusal {
                status: StatusCode::NOT_FOUND,
                code: "wrong_secret",
                message: "the path holds no secret of ours".to_owned(),
            });
        }
        if let Some(value) = headers.get("x-hook-secret") {
            let header = (HeaderName::from_static("x-hook-secret"), value.clone());
            return Ok(Verified::Handshake { header });
        }
        Ok(Verified::Delivery {
            dedupe_key: hex::encode(body),
            dedupe_forever: false,
            verified_by: "path-a".to_owned(),
        })
    }
    fn parse(&self, _receipt: &Receipt) -> Parsed {
        Parsed::Quarantine {
            reason: "not read here".to_owned(),
            hints: Vec::new(),
            facts: Vec::new(),
            unread: Vec::new(),
        }
    }
}
