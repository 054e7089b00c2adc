//! One client's part of a cast.

use clear_relay::sandbox::cast::{Cast, CastAct, CastClient};

const CAST: &str = include_str!("../../../fixtures/casts/crash.toml");

/// The cast with one client left. A name with a cast in front of it is from that one, and its expectations name no
/// minute: a relay that died may come later.
pub(super) fn one_of(name: &str) -> (Cast, CastClient) {
    let (mut cast, id) = match name.split_once('/') {
        Some((cast, id)) => (Cast::shipped(cast).expect("a cast"), id),
        None => (Cast::parse(CAST).expect("a cast"), name),
    };
    // What the clinic sends of everybody stands with one of them.
    let of_all = |act: &CastAct| act.what["act"] == "send_all";
    let sent = cast.clients.iter().flat_map(|client| &client.acts);
    let sent: Vec<CastAct> = sent.filter(|act| of_all(act)).cloned().collect();
    cast.clients.retain(|client| client.id == id);
    let client = cast.clients.first_mut().expect("a story");
    client.acts.retain(|act| !of_all(act));
    client.acts.extend(sent);
    if id != name {
        for expected in &mut client.expects {
            (expected.at, expected.not_before) = (None, None);
        }
    }
    let client = client.clone();
    (cast, client)
}
