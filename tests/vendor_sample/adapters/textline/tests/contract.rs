//! The client against the emulator.

use std::sync::Arc;

use relay_core::random::SeededRandom;
use relay_core::time::{Clock, SystemClock};
use relay_http_client::RouterTransport;
use relay_http_client::emulation::Emulator as _;
use relay_textline::TextlineClient;
use relay_textline::emulator::Textline;

#[tokio::test]
async fn a_text_is_sent_once_and_found_by_its_key() {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let service = Textline::new(Arc::clone(&clock), Arc::new(SeededRandom::new(1)));
    let transport = RouterTransport::new();
    transport.serve("textline.test", Arc::clone(&service).router());
    let base = "https://textline.test/".parse().expect("an address");
    let client = TextlineClient::new(Arc::new(transport), clock, base, "t".to_owned().into());
    client.account().await.expect("an account");
    assert_eq!(client.numbers().await.expect("numbers")[0], "+15550100");
    let sent = client.send("k1", "+15550101", "Hi").await.expect("sent");
    let id = sent["id"].as_str().expect("an id");
    assert_eq!(client.text(id).await.expect("the text")["key"], "k1");
    assert_eq!(client.texts().await.expect("texts")[0]["key"], "k1");
    assert_eq!(service.accepted().len(), 1);
    assert!(client.text("..").await.is_err());
}
