//! A small vendor of our own, and exchanges that are as it says or not.

use serde_json::json;

use super::*;

const DESCRIBED: &str = r#"{
    "operations": [
        {"method": "GET", "path": "/pets", "query": {
            "limit": {"type": "integer", "minimum": 1, "maximum": 10},
            "sort": {"type": "string", "enum": ["name", "age"]},
            "fields": {"type": "array", "items": {"type": "string"}, "enum": ["name", "age"], "joined": true}
         }, "answers": {"200": {"type": "array", "items": {"ref": "Pet"}}}},
        {"method": "GET", "path": "/pets/{id}", "query": {}, "answers": {"200": {"ref": "Pet"}}},
        {"method": "POST", "path": "/pets", "query": {}, "body": {"ref": "Pet"}, "body_needed": true,
         "answers": {"201": {"ref": "Pet"}}},
        {"method": "POST", "path": "/pets/{id}:feed", "query": {}, "answers": {"204": null}}
    ],
    "schemas": {
        "Pet": {"type": "object", "required": ["name"], "properties": {
            "name": {"type": "string", "maxLength": 5},
            "kind": {"type": "string", "enum": ["CAT", "DOG"]},
            "age": {"type": "integer", "format": "int32"},
            "born": {"type": "string", "format": "date"},
            "fed": {"type": "string", "format": "date-time"},
            "weight": {"type": "number"},
            "young": {"type": "array", "items": {"ref": "Pet"}},
            "shots": {"type": "object", "values": {"type": "boolean"}},
            "more": {"type": "object"}
        }},
        "Error": {"type": "object", "properties": {"code": {"type": "integer"}}}
    },
    "known": ["GET /pets", "POST /pets", "GET /pets/{id}", "POST /pets/{id}:feed", "GET /pets/model",
              "DELETE /pets/{id}"]
}"#;

fn description() -> Description {
    Description::read(DESCRIBED, "[]").expect("a description")
}

fn operation<'a>(description: &'a Description, method: &str, path: &str) -> &'a Operation {
    match description.find(method, path) {
        OperationMatch::Operation(operation) => operation,
        other => panic!("{method} {path}: {other:?}"),
    }
}

/// Every mismatch as `place: fault`, without the operation before it.
fn places(found: &[Mismatch]) -> Vec<String> {
    let short = |one: &Mismatch| {
        let text = one.to_string();
        let words: Vec<&str> = text.splitn(3, ' ').collect();
        words[2].to_owned()
    };
    found.iter().map(short).collect()
}

#[test]
fn a_plain_segment_outranks_a_parameter_and_a_verb_is_no_part_of_an_id() {
    let description = description();
    let name = |method, path| match description.find(method, path) {
        OperationMatch::Operation(operation) => operation.name(),
        other => format!("{other:?}"),
    };
    assert_eq!(name("GET", "/pets/7"), "GET /pets/{id}");
    assert_eq!(name("GET", "/pets/model"), "Elsewhere");
    assert_eq!(name("DELETE", "/pets/7"), "Elsewhere");
    assert_eq!(name("POST", "/pets/7:feed"), "POST /pets/{id}:feed");
    assert_eq!(name("GET", "/pets/7:feed"), "OtherMethod");
    assert_eq!(name("PATCH", "/pets"), "OtherMethod");
    for nothing in ["/", "/pets/", "/pets/7/9", "/pet", "/pets/7:starve"] {
        assert_eq!(name("GET", nothing), "Nothing", "{nothing}");
    }
}

#[test]
fn a_body_is_held_against_its_types_words_ranges_and_required_members() {
    let description = description();
    let create = operation(&description, "POST", "/pets");
    let faults = |body: Value| places(&description.request(create, &[], Some(&body)));
    let good = json!({
        "name": "Ivy", "kind": "CAT", "age": 3, "born": "2026-01-31", "fed": "2026-11-03T16:00:00Z",
        "weight": 3.5, "young": [{"name": "Bo"}], "shots": {"2025": true}, "more": {"x": 1},
    });
    assert_eq!(faults(good), Vec::<String>::new());
    assert_eq!(
        faults(json!({"name": "Ivy", "kind": null})),
        Vec::<String>::new()
    );
    for (body, expected) in [
        (json!([]), "body: is no object"),
        (json!({}), "body.name: is missing"),
        (json!({"name": null}), "body.name: is missing"),
        (json!({"name": 7}), "body.name: is no text"),
        (json!({"name": "Isabel"}), "body.name: is out of range"),
        (
            json!({"name": "Ivy", "kind": "cat"}),
            "body.kind: is none of the words that are allowed",
        ),
        (
            json!({"name": "Ivy", "age": "3"}),
            "body.age: is no whole number",
        ),
        (
            json!({"name": "Ivy", "age": 3.5}),
            "body.age: is no whole number",
        ),
        (
            json!({"name": "Ivy", "age": 1_u64 << 40}),
            "body.age: is out of range",
        ),
        (
            json!({"name": "Ivy", "born": "2026-02-31"}),
            "body.born: is no date",
        ),
        (
            json!({"name": "Ivy", "fed": "today"}),
            "body.fed: is no date-time",
        ),
        (
            json!({"name": "Ivy", "weight": true}),
            "body.weight: is no number",
        ),
        (
            json!({"name": "Ivy", "young": {}}),
            "body.young: is no list",
        ),
        (
            json!({"name": "Ivy", "young": ["x"]}),
            "body.young[0]: is no object",
        ),
        (
            json!({"name": "Ivy", "shots": {"2025": "yes"}}),
            "body.shots.2025[]: is no true or false",
        ),
        (
            json!({"name": "Ivy", "collar": "red"}),
            "body.collar: is described nowhere",
        ),
    ] {
        assert_eq!(faults(body), [expected]);
    }
    let none = description.request(create, &[], None);
    assert_eq!(places(&none), ["body: is missing"]);
}

#[test]
fn a_query_is_held_against_its_parameters() {
    let description = description();
    let list = operation(&description, "GET", "/pets");
    let faults = |query: &[(&str, &str)]| {
        let query: Vec<_> = query
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect();
        places(&description.request(list, &query, None))
    };
    assert!(faults(&[("limit", "10"), ("sort", "age"), ("fields", "name,age")]).is_empty());
    for (query, expected) in [
        (("limit", "11"), "query.limit: is out of range"),
        (("limit", "ten"), "query.limit: is no whole number"),
        (
            ("sort", "size"),
            "query.sort: is none of the words that are allowed",
        ),
        (
            ("fields", "name,size"),
            "query.fields: is none of the words that are allowed",
        ),
        (("colour", "red"), "query.colour: is described nowhere"),
    ] {
        assert_eq!(faults(&[query]), [expected]);
    }
    let twice = faults(&[("sort", "age"), ("sort", "name")]);
    assert_eq!(twice, ["query.sort: is no parameter that may be repeated"]);
    assert!(!Fault::Undescribed.is_refused() && Fault::Word.is_refused());
}

#[test]
fn an_answer_is_held_against_its_status() {
    let description = description();
    let get = operation(&description, "GET", "/pets/7");
    let faults = |status, body: Option<Value>| {
        places(&description.answer(get, status, body.as_ref(), "Error"))
    };
    assert!(faults(200, Some(json!({"name": "Ivy", "age": null}))).is_empty());
    assert!(faults(404, Some(json!({"code": 404}))).is_empty());
    assert!(faults(404, None).is_empty());
    assert_eq!(faults(200, None), ["200: is missing"]);
    assert_eq!(
        faults(200, Some(json!({"name": 1}))),
        ["200.name: is no text"]
    );
    assert_eq!(
        faults(404, Some(json!({"code": "x"}))),
        ["404.code: is no whole number"]
    );
    let created = faults(201, Some(json!({"name": "Ivy"})));
    assert_eq!(created, ["201: no answer with status 201 is described"]);
    let feed = operation(&description, "POST", "/pets/7:feed");
    let said = description.answer(feed, 204, Some(&json!({})), "Error");
    assert_eq!(places(&said), ["204: is described nowhere"]);
}

#[test]
fn what_was_observed_stands_in_place_of_what_is_described_and_names_its_source() {
    let observed = r#"[
        {"at": "Pet.age", "is": {"type": "string"}, "source": "a recording"},
        {"at": "Pet", "not_required": ["name"], "source": "a recording"},
        {"at": "GET /pets query.page", "is": {"type": "integer"}, "source": "a recording"}
    ]"#;
    let description = Description::read(DESCRIBED, observed).expect("a description");
    let create = operation(&description, "POST", "/pets");
    let body = json!({"age": "3"});
    assert_eq!(description.request(create, &[], Some(&body)), []);
    let list = operation(&description, "GET", "/pets");
    let query = [("page".to_owned(), "2".to_owned())];
    assert_eq!(description.request(list, &query, None), []);

    for (wrong, why) in [
        (
            r#"[{"at": "Pet.age", "is": {"type": "string"}, "source": " "}]"#,
            "who observed it?",
        ),
        (
            r#"[{"at": "Dog.age", "is": {"type": "string"}, "source": "x"}]"#,
            "no such place",
        ),
        (
            r#"[{"at": "Pet.weight", "is": {"type": "number"}, "source": "x"}]"#,
            "says so itself",
        ),
    ] {
        let error = Description::read(DESCRIBED, wrong).expect_err("refused");
        assert!(error.contains(why), "{error}");
    }
}

#[test]
fn what_differs_on_purpose_bears_a_tag() {
    let description = description().with_tags(&["A_NEW_KIND", "x_news"]);
    let create = operation(&description, "POST", "/pets");
    let body = json!({"name": "Ivy", "kind": "A_NEW_KIND", "x_news": [1]});
    assert_eq!(description.request(create, &[], Some(&body)), []);
    let body = json!({"name": "Ivy", "kind": "ANOTHER", "y_news": [1]});
    assert_eq!(description.request(create, &[], Some(&body)).len(), 2);
}
