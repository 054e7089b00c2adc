//! Credentials, forms, quotas: everything that stands before a route.

use http::Method;
use relay_keap::emulator::{Act, KeyHeader};
use serde_json::{Value, json};

use crate::tenant::{MAYA, Tenant};

const CONTACT: &str = "/crm/rest/v2/contacts/1001";
const KEY: (&str, &str) = ("authorization", "Bearer KeapAK-emulated");

#[tokio::test]
async fn both_headers_let_a_key_in() {
    let tenant = Tenant::new();
    for header in [KEY, ("x-keap-api-key", "KeapAK-emulated")] {
        let answer = tenant.raw(Method::GET, CONTACT, &[header], "").await;
        assert_eq!(answer.expect("an answer").status, 200, "{}", header.0);
    }
}

#[tokio::test]
async fn the_gateway_refuses_before_it_routes() {
    let tenant = Tenant::new();
    for path in [CONTACT, "/crm/rest/v2/nowhere", "/elsewhere"] {
        for (headers, code) in [
            (vec![], "oauth.v2.InvalidAccessToken"),
            (
                vec![("authorization", "KeapAK-emulated")],
                "oauth.v2.InvalidAccessToken",
            ),
            (
                vec![("authorization", "Bearer wrong")],
                "keymanagement.service.invalid_access_token",
            ),
        ] {
            let answer = tenant.raw(Method::GET, path, &headers, "").await;
            let answer = answer.expect("an answer");
            assert_eq!(answer.status, 401, "{path}");
            assert_eq!(
                answer.json,
                json!({ "fault": {
                    "faultstring": "Invalid Access Token",
                    "detail": { "errorcode": code },
                } })
            );
        }
    }
}

#[tokio::test]
async fn a_revoked_key_is_let_in_no_more() {
    let tenant = Tenant::new();
    tenant.act(Act::RevokeKeys);
    let answer = tenant.get("/v2/contacts/1001").await;
    let code = &answer.json["fault"]["detail"]["errorcode"];
    assert_eq!(code, "keymanagement.service.invalid_access_token");
}

#[tokio::test]
async fn every_answer_tells_the_quota_and_has_an_id() {
    let tenant = Tenant::new();
    tenant.get("/v2/contacts/1001").await;
    let answer = tenant.get("/v2/nowhere").await;
    for (name, value) in [
        ("x-keap-product-quota-limit", "30000"),
        ("x-keap-product-quota-time-unit", "day"),
        ("x-keap-product-quota-interval", "1"),
        ("x-keap-product-quota-available", "29998"),
        ("x-keap-product-quota-used", "2"),
        // Midnight after the third of November 2026, in milliseconds.
        ("x-keap-product-quota-expiry-time", "1793750400000"),
        ("x-keap-product-throttle-limit", "240"),
        ("x-keap-product-throttle-time-unit", "minute"),
        ("x-keap-product-throttle-interval", "1"),
        ("x-keap-product-throttle-available", "238"),
        ("x-keap-product-throttle-used", "2"),
        ("x-keap-product-spike-limit", "10ps"),
        ("x-keap-tenant-id", "zz999.infusionsoft.test"),
        ("x-keap-tenant-throttle-limit", "10000|250000"),
        ("x-keap-tenant-throttle-time-unit", "minute|day"),
        ("x-keap-tenant-throttle-interval", "1|1"),
        ("x-keap-tenant-throttle-available", "9998|249998"),
        ("x-keap-tenant-throttle-used", "2|2"),
    ] {
        assert_eq!(answer.header(name), Some(value), "{name}");
    }
    assert_eq!(answer.header("x-request-id").map(str::len), Some(36));
}

#[tokio::test]
async fn on_401_the_quota_headers_are_there_and_empty() {
    let tenant = Tenant::new();
    let answer = tenant
        .raw(Method::GET, CONTACT, &[], "")
        .await
        .expect("an answer");
    assert_eq!(answer.header("x-keap-product-quota-available"), Some(""));
    assert_eq!(answer.header("x-keap-tenant-id"), Some(""));
    assert_eq!(answer.header("x-keap-tenant-throttle-used"), Some("|"));
    assert!(answer.header("x-request-id").is_some());
}

#[tokio::test]
async fn an_enforced_limit_refuses_until_the_window_ends() {
    let tenant = Tenant::with(|s| {
        s.limits.enforced = true;
        s.limits.per_second = 2;
        s.limits.per_day = 4;
    });
    let mut seen = Vec::new();
    for _ in 0..3 {
        seen.push(tenant.get("/v2/contacts/1001").await);
    }
    let statuses: Vec<u16> = seen.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses, [200, 200, 429]);
    let code = &seen[2].json["fault"]["detail"]["errorcode"];
    assert_eq!(code, "policies.ratelimit.SpikeArrestViolation");
    assert_eq!(seen[2].header("retry-after"), None);
    tenant.pass(1);
    assert_eq!(tenant.get("/v2/contacts/1001").await.status, 200);
    tenant.pass(1);
    assert_eq!(
        tenant.get("/v2/contacts/1001").await.status,
        429,
        "the day is used up"
    );
    tenant.pass(8 * 3600);
    assert_eq!(
        tenant.get("/v2/contacts/1001").await.status,
        200,
        "a new day, UTC"
    );
}

#[tokio::test]
async fn a_minute_is_the_last_one_and_not_the_clocks() {
    let tenant = Tenant::with(|s| {
        s.limits.enforced = true;
        s.limits.per_minute = 2;
    });
    let status = async || tenant.get("/v2/contacts/1001").await;
    assert_eq!(status().await.status, 200);
    tenant.pass(50);
    assert_eq!(status().await.status, 200);
    // The clock's minute has ended twenty seconds ago; the first request is seventy seconds old.
    tenant.pass(9);
    let refused = status().await;
    assert_eq!(refused.status, 429);
    let code = &refused.json["fault"]["detail"]["errorcode"];
    assert_eq!(code, "policies.ratelimit.QuotaViolation");
    tenant.pass(42);
    assert_eq!(status().await.status, 429, "two of the last minute stand");
    tenant.pass(60);
    assert_eq!(status().await.status, 200);
}

#[tokio::test]
async fn a_body_on_get_and_an_unknown_path_meet_html() {
    let tenant = Tenant::new();
    for (path, body, status) in [
        (CONTACT, "{}", 400),
        ("/crm/rest/v2/nowhere", "", 404),
        ("/crm/rest/v3/contacts", "", 404),
    ] {
        let answer = tenant.raw(Method::GET, path, &[KEY], body).await;
        let answer = answer.expect("an answer");
        assert_eq!(answer.status, status, "{path}");
        assert_eq!(
            answer.header("content-type"),
            Some("text/html;charset=UTF-8")
        );
        assert!(answer.text.starts_with("<!DOCTYPE html>"), "{path}");
    }
}

#[tokio::test]
async fn what_keap_has_and_the_emulator_has_not_is_501_and_never_404() {
    let tenant = Tenant::new();
    for path in [
        "/v2/tasks/model",
        "/v2/subscriptions/model",
        "/v2/emails/templates",
        "/v2/opportunities",
        "/v1/tasks/7",
        "/v1/hooks/7",
        "/v2/users/1",
    ] {
        assert_eq!(tenant.get(path).await.status, 501, "{path}");
    }
    assert_eq!(tenant.delete("/v2/contacts/1001").await.status, 501);
}

#[tokio::test]
async fn a_slash_behind_a_path_of_v1_is_let_pass() {
    let tenant = Tenant::new();
    assert_eq!(tenant.get("/v1/hooks/").await.status, 200);
    assert_eq!(tenant.get("/v2/tags/").await.status, 404);
}

#[tokio::test]
async fn a_path_that_exists_for_another_method_is_405() {
    let tenant = Tenant::new();
    let answer = tenant.delete("/v2/tags").await;
    assert_eq!((answer.status, &answer.json["code"]), (405, &json!(405)));
}

#[tokio::test]
async fn a_body_that_is_no_json_or_does_not_say_so_is_refused() {
    let tenant = Tenant::new();
    let path = "/crm/rest/v2/tags";
    let json_type = ("content-type", "application/json");
    for (headers, body) in [
        (vec![KEY], r#"{"name":"x"}"#),
        (vec![KEY, json_type], "{name}"),
    ] {
        let answer = tenant.raw(Method::POST, path, &headers, body).await;
        assert_eq!(answer.expect("an answer").status, 400, "{body}");
    }
    assert_eq!(tenant.operations(), Vec::<String>::new());
}

#[tokio::test]
async fn the_key_says_whose_it_is_and_the_business_where_it_is() {
    let tenant = Tenant::new();
    let info = tenant.get("/v2/oauth/connect/userinfo").await;
    assert_eq!(info.json["id"], json!("1"));
    assert_eq!(info.json["email"], json!("coach@example.test"));
    assert_eq!(info.json["tenant_id"], json!("zz999.infusionsoft.test"));
    let business = tenant.get("/v2/businessProfile").await;
    assert_eq!(business.json["time_zone"], json!("America/Denver"));
}

#[tokio::test]
async fn a_reset_forgets_the_tenant() {
    let tenant = Tenant::new();
    tenant.post("/v2/tags", json!({ "name": "x" })).await;
    tenant.keap.reset();
    assert_eq!(tenant.operations(), Vec::<String>::new());
    let gone = tenant.get(&format!("/v2/contacts/{MAYA}")).await;
    assert_eq!(gone.status, 404);
    assert_eq!(
        tenant.get("/v2/tags").await.json["tags"],
        Value::Array(vec![])
    );
}

#[tokio::test]
async fn it_can_stand_under_a_prefix_beside_others() {
    let tenant = Tenant::new();
    let nested = axum::Router::new().nest("/keap", tenant.keap.router());
    let tenant = tenant.served_by(nested);
    let answer = tenant
        .raw(Method::GET, &format!("/keap{CONTACT}"), &[KEY], "")
        .await;
    assert_eq!(answer.expect("an answer").json["id"], json!("1001"));
}

#[tokio::test]
async fn a_tenant_that_takes_one_header_sees_nothing_in_the_other() {
    let other = ("x-keap-api-key", "KeapAK-emulated");
    for (taken, right, wrong) in [
        (KeyHeader::Bearer, KEY, other),
        (KeyHeader::ApiKey, other, KEY),
    ] {
        let tenant = Tenant::with(|settings| settings.key_header = taken);
        let status = async |header| {
            let answer = tenant.raw(Method::GET, CONTACT, &[header], "").await;
            answer.expect("an answer").status
        };
        assert_eq!(status(right).await, 200, "{taken:?}");
        assert_eq!(status(wrong).await, 401, "{taken:?}");
    }
}

#[tokio::test]
async fn what_other_integrations_use_counts_for_the_account_and_with_our_key_for_the_key() {
    let tenant = Tenant::with(|s| {
        s.limits.enforced = true;
        s.limits.tenant_per_minute = 50;
        s.limits.tenant_per_day = 100;
    });
    let left = "x-keap-tenant-throttle-available";
    tenant.act(Act::UseQuota {
        requests: 48,
        our_key: false,
    });
    let answer = tenant.get("/v2/contacts/1001").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header(left), Some("1|51"));
    assert_eq!(
        answer.header("x-keap-product-quota-available"),
        Some("29999")
    );
    assert_eq!(tenant.get("/v2/contacts/1001").await.status, 200);
    let refused = tenant.get("/v2/contacts/1001").await;
    assert_eq!(refused.status, 429, "the account's minute");
    let code = &refused.json["fault"]["detail"]["errorcode"];
    assert_eq!(code, "policies.ratelimit.QuotaViolation");
    assert_eq!(refused.header(left), Some("0|49"));
    tenant.pass(60);
    tenant.act(Act::UseQuota {
        requests: 49,
        our_key: true,
    });
    let refused = tenant.get("/v2/contacts/1001").await;
    assert_eq!(refused.header(left), Some("0|0"));
    assert_eq!(
        refused.header("x-keap-product-quota-available"),
        Some("29947")
    );
    tenant.pass(60);
    assert_eq!(tenant.get("/v2/contacts/1001").await.status, 429, "its day");
    tenant.pass(8 * 3600);
    assert_eq!(tenant.get("/v2/contacts/1001").await.status, 200);
}
