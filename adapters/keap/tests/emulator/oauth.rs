//! Tokens: how a code becomes a pair, a pair the next one, and what is refused on the way.

use http::Method;
use relay_http_client::emulation::{FaultAct, FaultRule, Moment};
use relay_keap::emulator::{Act, Consent, OldToken, RefusedToken, Settings};
use serde_json::{Value, json};

use crate::tenant::{Seen, Tenant};

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
/// `emulated-application:emulated-secret`
const BASIC: (&str, &str) = (
    "authorization",
    "Basic ZW11bGF0ZWQtYXBwbGljYXRpb246ZW11bGF0ZWQtc2VjcmV0",
);
const CLIENT: &str = "client_id=emulated-application&client_secret=emulated-secret";
const REDIRECT: &str = "https%3A%2F%2Frelay.test%2Foauth%2Fkeap%2Fcallback";

impl Tenant {
    async fn token(&self, headers: &[(&'static str, &str)], body: &str) -> Seen {
        let headers = [&[FORM], headers].concat();
        let answer = self.raw(Method::POST, "/token", &headers, body).await;
        answer.expect("an answer")
    }

    async fn page(&self, query: &str) -> Seen {
        let path = format!("/app/oauth/authorize?{query}");
        let answer = self.raw(Method::GET, &path, &[], "").await;
        answer.expect("an answer")
    }

    /// The code that the page sends the browser back with.
    async fn code(&self) -> String {
        let query = format!(
            "client_id=emulated-application&redirect_uri={REDIRECT}&response_type=code&scope=full\
             &state=s1"
        );
        let answer = self.page(&query).await;
        assert_eq!(answer.status, 302);
        let back = answer.header("location").expect("an address");
        assert!(back.ends_with("&state=s1"), "{back}");
        let (_, code) = back.split_once("code=").expect("a code");
        code.split('&').next().expect("a code").to_owned()
    }

    async fn exchange(&self, code: &str) -> Seen {
        let body =
            format!("grant_type=authorization_code&code={code}&redirect_uri={REDIRECT}&{CLIENT}");
        self.token(&[], &body).await
    }

    async fn refresh(&self, token: &str) -> Seen {
        let body = format!("grant_type=refresh_token&refresh_token={token}");
        self.token(&[BASIC], &body).await
    }

    /// A first pair: access, refresh.
    async fn pair(&self) -> (String, String) {
        let code = self.code().await;
        pair(&self.exchange(&code).await)
    }

    /// What the API says of a token.
    async fn shows(&self, token: &str) -> Value {
        let bearer = format!("Bearer {token}");
        let headers = [("authorization", bearer.as_str())];
        let path = "/crm/rest/v2/oauth/connect/userinfo";
        let answer = self.raw(Method::GET, path, &headers, "").await;
        let answer = answer.expect("an answer");
        if answer.status == 200 {
            return json!("let in");
        }
        assert_eq!(answer.status, 401);
        answer.json["fault"]["detail"]["errorcode"].clone()
    }
}

fn pair(answer: &Seen) -> (String, String) {
    assert_eq!(answer.status, 200, "{}", answer.text);
    let text = |name: &str| answer.json[name].as_str().expect("a token").to_owned();
    (text("access_token"), text("refresh_token"))
}

#[tokio::test]
async fn a_code_becomes_a_pair_once_and_only_for_the_application_in_the_body() {
    let tenant = Tenant::new();
    let code = tenant.code().await;
    let answer = tenant.exchange(&code).await;
    assert_eq!(answer.json["token_type"], json!("bearer"));
    assert_eq!(answer.json["expires_in"], json!(86_400));
    assert_eq!(answer.json["scope"], json!("full|zz999.infusionsoft.test"));
    assert_eq!(tenant.shows(&pair(&answer).0).await, json!("let in"));
    let again = tenant.exchange(&code).await;
    assert_eq!(
        (again.status, &again.json["error"]),
        (400, &json!("invalid_grant"))
    );

    let code = tenant.code().await;
    let in_header = format!("grant_type=authorization_code&code={code}&redirect_uri={REDIRECT}");
    let answer = tenant.token(&[BASIC], &in_header).await;
    assert_eq!(
        (answer.status, &answer.json["error"]),
        (401, &json!("invalid_client"))
    );

    tenant.pass(601);
    assert_eq!(
        tenant.exchange(&code).await.status,
        400,
        "codes are short-lived"
    );
}

#[tokio::test]
async fn a_refresh_needs_the_header_and_kills_the_token_it_was_made_with() {
    let tenant = Tenant::new();
    let (access, refresh) = tenant.pair().await;
    let in_body = format!("grant_type=refresh_token&refresh_token={refresh}&{CLIENT}");
    assert_eq!(tenant.token(&[], &in_body).await.status, 401);
    let in_query = format!("/token?grant_type=refresh_token&refresh_token={refresh}");
    let answer = tenant
        .raw(Method::POST, &in_query, &[FORM, BASIC], "x=1")
        .await;
    assert_eq!(answer.expect("an answer").status, 400);

    let (second, _) = pair(&tenant.refresh(&refresh).await);
    let refused = tenant.refresh(&refresh).await;
    assert_eq!(refused.status, 400);
    assert_eq!(
        refused.json,
        json!({ "error": "invalid_grant", "error_description": "Invalid refresh token" })
    );
    assert_eq!(tenant.shows(&second).await, json!("let in"));
    let dead = json!("keymanagement.service.invalid_access_token");
    assert_eq!(tenant.shows(&access).await, dead);
    assert_eq!(tenant.operations(), ["token_code", "token_refresh"]);
}

#[tokio::test]
async fn what_is_unknown_about_old_tokens_is_a_switch() {
    let tenant = Tenant::with(|settings: &mut Settings| {
        settings.oauth.old_access = OldToken::Lives;
        settings.oauth.old_refresh = OldToken::Lives;
    });
    let (access, refresh) = tenant.pair().await;
    pair(&tenant.refresh(&refresh).await);
    assert_eq!(tenant.shows(&access).await, json!("let in"));
    pair(&tenant.refresh(&refresh).await);

    tenant
        .keap
        .configure(|settings| settings.oauth.refused_token = RefusedToken::InvalidRequest);
    let refused = tenant.refresh("never-issued").await;
    assert_eq!(refused.status, 400);
    assert_eq!(
        refused.json,
        json!({ "error": "invalid_request", "error_description": "Invalid Refresh Token" })
    );
}

#[tokio::test]
async fn an_access_token_lives_a_day_and_a_refresh_token_forty_five() {
    let tenant = Tenant::new();
    let (access, refresh) = tenant.pair().await;
    tenant.pass(86_399);
    assert_eq!(tenant.shows(&access).await, json!("let in"));
    tenant.pass(1);
    let expired = json!("keymanagement.service.access_token_expired");
    assert_eq!(tenant.shows(&access).await, expired);
    tenant.pass(43 * 86_400);
    let (_, refresh) = pair(&tenant.refresh(&refresh).await);
    tenant.pass(45 * 86_400);
    assert_eq!(tenant.refresh(&refresh).await.status, 400);
}

#[tokio::test]
async fn a_token_is_no_key_and_consent_can_be_denied_and_taken_back() {
    let tenant = Tenant::new();
    let (access, refresh) = tenant.pair().await;
    let path = "/crm/rest/v2/businessProfile";
    let as_key = [("x-keap-api-key", access.as_str())];
    let answer = tenant.raw(Method::GET, path, &as_key, "").await;
    assert_eq!(answer.expect("an answer").status, 401);

    tenant.act(Act::ExpireAccess);
    let expired = json!("keymanagement.service.access_token_expired");
    assert_eq!(tenant.shows(&access).await, expired);
    tenant.act(Act::RevokeGrants);
    assert_eq!(tenant.refresh(&refresh).await.status, 400);

    tenant
        .keap
        .configure(|settings| settings.oauth.consent = Consent::Denied);
    let query = format!(
        "client_id=emulated-application&redirect_uri={REDIRECT}&response_type=code&scope=full"
    );
    let answer = tenant.page(&query).await;
    let back = answer.header("location").expect("an address");
    assert!(back.ends_with("?error=access_denied"), "{back}");
    let elsewhere = query.replace("relay.test", "evil.test");
    assert_eq!(tenant.page(&elsewhere).await.status, 400);
}

#[tokio::test]
async fn an_answer_lost_after_the_rotation_leaves_the_old_token_dead() {
    let tenant = Tenant::new();
    let (_, refresh) = tenant.pair().await;
    tenant.keap.faults().order(FaultRule {
        operation: "token_refresh".to_owned(),
        moment: Moment::After,
        act: FaultAct::Hang,
        skip: 0,
        times: 1,
    });
    let body = format!("grant_type=refresh_token&refresh_token={refresh}");
    let lost = tenant
        .raw(Method::POST, "/token", &[FORM, BASIC], &body)
        .await;
    assert!(lost.is_err(), "no answer");
    assert_eq!(tenant.operations(), ["token_code", "token_refresh"]);
    assert_eq!(tenant.refresh(&refresh).await.status, 400);
}
