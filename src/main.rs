//! placeholder
fn main() {
    use std::io::Write as _;
    let _ = std::io::stdout().write_all(clear_relay::config::example().as_bytes());
}
