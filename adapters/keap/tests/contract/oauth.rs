//! The token endpoint's client against the emulator, and the client that shows changing tokens.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use relay_core::retry::Class;
use relay_core::time::{ManualClock, SignedDuration};
use relay_http_client::CallError;
use relay_http_client::emulation::{FaultAct, Moment};
use relay_keap::emulator::{Act, Consent, RefusedToken};
use relay_keap::oauth::{Application, Fate, OAuthClient, TokenFailure, Tokens};
use relay_keap::{Credential, CustomFieldsMode, HeaderStyle, KeapClient, Settings};
use secrecy::{ExposeSecret as _, SecretString};

use crate::support::{KEY, MAYA, Setup, settings, setup, setup_with, status};

const HOST: &str = "http://keap.test";

fn secret(text: &str) -> SecretString {
    SecretString::from(text)
}

fn endpoint(setup: &Setup, client_secret: &str) -> OAuthClient {
    let address = |path: &str| format!("{HOST}{path}").parse().expect("an address");
    let application = Application {
        client_id: "emulated-application".to_owned(),
        client_secret: secret(client_secret),
        authorize_url: address("/app/oauth/authorize"),
        token_url: address("/token"),
        redirect_url: "https://relay.test/oauth/keap/callback"
            .parse()
            .expect("an address"),
    };
    OAuthClient::new(setup.transport.clone(), setup.clock.clone(), application)
}

impl Setup {
    /// Where the page sends the browser back to.
    async fn agrees(&self, endpoint: &OAuthClient) -> url::Url {
        use relay_http_client::Transport as _;
        let page = endpoint.authorize_url(&secret("a state"));
        let answer = self.transport.send(relay_http_client::Call {
            method: http::Method::GET,
            url: page,
            headers: http::HeaderMap::new(),
            body: bytes::Bytes::new(),
            timeout: std::time::Duration::from_secs(30),
        });
        let answer = answer.await.expect("an answer");
        let back = answer.headers.get("location").expect("an address");
        let back = back.to_str().expect("text");
        back.parse().expect("an address")
    }

    async fn tokens(&self, endpoint: &OAuthClient) -> Tokens {
        let back = self.agrees(endpoint).await;
        let (_, code) = back
            .query_pairs()
            .find(|(name, _)| name == "code")
            .expect("a code");
        endpoint.exchange(&secret(&code)).await.expect("tokens")
    }
}

fn refresh_of(tokens: &Tokens) -> SecretString {
    tokens.refresh.clone().expect("a refresh token")
}

#[tokio::test]
async fn a_code_and_a_refresh_bring_pairs_with_lifetime_and_tenant() {
    let setup = setup();
    let endpoint = endpoint(&setup, "emulated-secret");
    let back = setup.agrees(&endpoint).await;
    assert!(
        back.query()
            .is_some_and(|query| query.contains("state=a+state"))
    );
    let first = setup.tokens(&endpoint).await;
    assert_eq!(first.lifetime, SignedDuration::from_hours(24));
    assert_eq!(first.tenant.as_deref(), Some("zz999.infusionsoft.test"));
    let second = endpoint.refresh(&refresh_of(&first)).await.expect("tokens");
    assert_ne!(second.access.expose_secret(), first.access.expose_secret());
    assert_eq!(setup.operations(), ["token_code", "token_refresh"]);
}

#[tokio::test]
async fn each_failure_says_what_became_of_the_token() {
    let html = FaultAct::Status {
        code: 200,
        retry_after: None,
        body: Some("<html>maintenance</html>".to_owned()),
    };
    let wait = FaultAct::Status {
        code: 503,
        retry_after: Some(30),
        body: None,
    };
    let after = |seconds| Some(SignedDuration::from_secs(seconds));
    for (act, fate) in [
        (FaultAct::Hang, Fate::Unknown),
        (FaultAct::Reset, Fate::Unknown),
        (FaultAct::Refuse, Fate::Untouched { after: None }),
        (status(500), Fate::Unknown),
        (status(503), Fate::Unknown),
        (html, Fate::Unknown),
        (status(429), Fate::Untouched { after: None }),
        (wait, Fate::Untouched { after: after(30) }),
        (status(401), Fate::UnknownApplication),
    ] {
        let setup = setup();
        let endpoint = endpoint(&setup, "emulated-secret");
        let tokens = setup.tokens(&endpoint).await;
        setup.fault("token_refresh", Moment::Before, act.clone());
        let failure = endpoint
            .refresh(&refresh_of(&tokens))
            .await
            .expect_err("a fault");
        assert_eq!(failure.fate, fate, "{act:?}: {failure}");
        endpoint
            .refresh(&refresh_of(&tokens))
            .await
            .expect("still good");
    }
}

#[tokio::test]
async fn a_dead_token_and_an_unknown_application_are_told_apart_and_no_token_is_quoted() {
    for shape in [RefusedToken::InvalidGrant, RefusedToken::InvalidRequest] {
        let setup = setup_with(
            |tenant| tenant.oauth.refused_token = shape,
            CustomFieldsMode::Full,
        );
        let endpoint_known = endpoint(&setup, "emulated-secret");
        let tokens = setup.tokens(&endpoint_known).await;
        let refresh = refresh_of(&tokens);
        endpoint_known.refresh(&refresh).await.expect("tokens");
        let refused: TokenFailure = endpoint_known.refresh(&refresh).await.expect_err("dead");
        assert_eq!(refused.fate, Fate::Refused, "{shape:?}");
        let unknown = endpoint(&setup, "another").refresh(&refresh).await;
        let unknown = unknown.expect_err("nobody knows it");
        assert_eq!(unknown.fate, Fate::UnknownApplication);
        for failure in [refused, unknown] {
            let text = format!("{failure} {failure:?}");
            assert!(!text.contains(refresh.expose_secret()), "{text}");
            assert!(!text.contains("emulated-secret"), "{text}");
        }
    }
}

#[tokio::test]
async fn a_denied_consent_comes_back_as_an_error_without_a_code() {
    let setup = setup_with(
        |tenant| tenant.oauth.consent = Consent::Denied,
        CustomFieldsMode::Full,
    );
    let back = setup.agrees(&endpoint(&setup, "emulated-secret")).await;
    assert!(
        back.query()
            .is_some_and(|query| query.contains("error=access_denied"))
    );
    assert!(!back.query().is_some_and(|query| query.contains("code=")));
}

/// Shows a wrong token until it is told so, then a good one.
#[derive(Debug)]
struct Corrected {
    good: Option<SecretString>,
    told: Mutex<Vec<String>>,
}

#[async_trait]
impl Credential for Corrected {
    async fn current(&self) -> Result<SecretString, CallError> {
        Ok(secret("outdated"))
    }
    async fn refused(&self, shown: &SecretString) -> Result<Option<SecretString>, CallError> {
        let shown = shown.expose_secret().to_owned();
        self.told.lock().expect("not poisoned").push(shown);
        Ok(self.good.clone())
    }
}

fn corrected(setup: &Setup, good: Option<&str>) -> (Arc<Corrected>, KeapClient) {
    let credential = Arc::new(Corrected {
        good: good.map(secret),
        told: Mutex::default(),
    });
    let settings = Settings {
        credential: credential.clone(),
        ..settings(KEY, HeaderStyle::Bearer)
    };
    let client = KeapClient::new(setup.transport.clone(), setup.clock.clone(), settings);
    (credential, client.expect("a client"))
}

#[tokio::test]
async fn a_request_whose_credential_was_refused_is_made_once_more_with_the_next_one() {
    let setup = setup();
    let (credential, client) = corrected(&setup, Some(KEY));
    assert!(client.contact(MAYA).await.expect("an answer").is_some());
    client.create_tag("Follow-up: email").await.expect("made");
    assert_eq!(setup.accepted("create_tag").len(), 1);
    assert_eq!(
        *credential.told.lock().expect("told"),
        ["outdated", "outdated"]
    );
}

#[tokio::test]
async fn a_second_refusal_is_the_callers_and_nothing_is_tried_a_third_time() {
    for good in [None, Some("outdated, too")] {
        let setup = setup();
        let (_, client) = corrected(&setup, good);
        let error = client.contact(MAYA).await.expect_err("refused");
        assert_eq!(error.class, Class::Unauthorised);
        let asked = setup.transport.asked().len();
        assert_eq!(asked, 1 + usize::from(good.is_some()));
    }
}

#[tokio::test]
async fn a_write_that_something_behind_the_gateway_refused_is_not_made_again() {
    let setup = setup();
    let (credential, client) = corrected(&setup, Some(KEY));
    setup.does(Act::RevokeKeys);
    setup
        .keap
        .configure(|tenant| tenant.keys = vec![KEY.to_owned(), "outdated".to_owned()]);
    let after_the_work = FaultAct::Status {
        code: 401,
        retry_after: None,
        body: Some(r#"{"code":401,"message":"Unauthorized"}"#.to_owned()),
    };
    setup.fault("create_tag", Moment::After, after_the_work);
    let error = client.create_tag("Follow-up: email").await;
    assert_eq!(error.expect_err("refused").class, Class::Unauthorised);
    assert_eq!(setup.transport.mutating(), 1);
    assert_eq!(credential.told.lock().expect("told").len(), 1);
}

/// Renews its token for six seconds before it shows one.
#[derive(Debug)]
struct Slow(Arc<ManualClock>);

#[async_trait]
impl Credential for Slow {
    async fn current(&self) -> Result<SecretString, CallError> {
        self.0.advance(SignedDuration::from_secs(6));
        Ok(secret(KEY))
    }
    async fn refused(&self, _shown: &SecretString) -> Result<Option<SecretString>, CallError> {
        Ok(None)
    }
}

#[tokio::test]
async fn nothing_is_changed_after_a_long_wait_for_a_token_and_reads_go_on() {
    let setup = setup();
    let settings = Settings {
        credential: Arc::new(Slow(Arc::clone(&setup.clock))),
        ..settings(KEY, HeaderStyle::Bearer)
    };
    let client = KeapClient::new(setup.transport.clone(), setup.clock.clone(), settings);
    let client = client.expect("a client");
    let error = client.create_tag("Follow-up: email").await;
    assert_eq!(error.expect_err("not sent").class, Class::NotSent);
    assert!(setup.accepted("create_tag").is_empty());
    assert!(client.contact(MAYA).await.expect("an answer").is_some());
}
