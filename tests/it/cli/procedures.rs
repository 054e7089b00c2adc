//! The procedures folder and the configuration, as commands see them.

use super::*;

#[tokio::test]
async fn a_mistake_in_the_procedures_folder_is_one_of_the_configuration() {
    let world = world();
    let config = "[procedures.missed_check_in]\npath = \"/no/such/folder\"\n";
    std::fs::write(world.folder.path().join("relay.toml"), config).expect("written");
    let error = world
        .run(&["config", "check"])
        .await
        .expect_err("no folder");
    assert!(matches!(error, CliError::Usage(_)), "{error}");
}

#[tokio::test]
async fn the_built_in_procedure_is_valid_and_a_broken_folder_is_not() {
    let world = world();
    let human = world.run(&["procedures", "check"]).await.expect("valid");
    assert!(human.contains("missed_check_in is valid"), "{human}");
    let folder = world.folder.path().to_str().expect("text");
    let error = world
        .run(&["procedures", "check", folder])
        .await
        .expect_err("no such file");
    assert!(matches!(error, CliError::Failed(_)), "{error}");
    std::fs::write(
        world.folder.path().join("missed-check-in.toml"),
        "window_days = 0",
    )
    .expect("written");
    let error = world
        .run(&["procedures", "check", folder])
        .await
        .expect_err("broken");
    assert!(matches!(error, CliError::Failed(_)), "{error}");
}

#[tokio::test]
async fn the_configuration_decides_the_mode_whatever_the_procedures_file_says() {
    let world = world();
    let json = world.json(&["procedures", "check"]).await;
    assert_eq!(json["mode"], "propose");
    let config = world.folder.path().join("relay.toml");
    std::fs::write(config, "[procedures.missed_check_in]\nmode = \"act\"\n").expect("written");
    let json = world.json(&["procedures", "check"]).await;
    assert_eq!(json["mode"], "act");
}

#[tokio::test]
async fn a_broken_configuration_stops_every_command_but_the_example() {
    let world = world();
    std::fs::write(world.folder.path().join("relay.toml"), "[keap]\nmod = 1").expect("written");
    let error = world.run(&["config", "check"]).await.expect_err("broken");
    assert!(
        error.to_string().contains("did you mean \"mode\"?"),
        "{error}"
    );
    let example = world.run(&["config", "example"]).await.expect("printed");
    assert_eq!(example, clear_relay::config::example());
    let cli = Cli::try_parse_from(["clear-relay", "config", "check"]).expect("valid");
    assert!(matches!(cli.command, Command::Config(_)));
}
