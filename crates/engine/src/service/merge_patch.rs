//! Merge patches (RFC 7386), as the API takes them for triggers.

use serde_json::Value;

use super::store::Document;

/// The value with a patch: members of objects are merged, null removes one, everything else replaces.
pub(super) fn merged(value: Value, patch: &Value) -> Value {
    let Value::Object(patch) = patch else { return patch.clone() };
    let mut merged_object = match value {
        Value::Object(object) => object,
        _ => Document::new(),
    };
    for (name, change) in patch {
        let old = merged_object.remove(name);
        if !change.is_null() {
            merged_object.insert(name.clone(), merged(old.unwrap_or_default(), change));
        }
    }
    Value::Object(merged_object)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn the_examples_of_the_rfc() {
        let cases = [
            (json!({ "a": "b" }), json!({ "a": "c" }), json!({ "a": "c" })),
            (json!({ "a": "b" }), json!({ "b": "c" }), json!({ "a": "b", "b": "c" })),
            (json!({ "a": "b" }), json!({ "a": null }), json!({})),
            (json!({ "a": ["b"] }), json!({ "a": "c" }), json!({ "a": "c" })),
            (json!({ "a": { "b": "c" } }), json!({ "a": { "b": "d", "c": null } }), json!({ "a": { "b": "d" } })),
            (json!({ "a": [{ "b": "c" }] }), json!({ "a": [1] }), json!({ "a": [1] })),
            (json!(["a", "b"]), json!(["c", "d"]), json!(["c", "d"])),
            (json!({ "e": null }), json!({ "a": 1 }), json!({ "a": 1, "e": null })),
            (json!([1, 2]), json!({ "a": "b", "c": null }), json!({ "a": "b" })),
            (json!({}), json!({ "a": { "bb": { "ccc": null } } }), json!({ "a": { "bb": {} } })),
            (json!({ "a": "foo" }), Value::Null, Value::Null),
        ];
        for (value, patch, expected) in cases {
            assert_eq!(merged(value.clone(), &patch), expected, "{value} with {patch}");
        }
    }

    /// Few names, so that patches meet what they change.
    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![Just(Value::Null), any::<bool>().prop_map(Value::from), (0..3_i32).prop_map(Value::from)];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
                prop::collection::btree_map("[abc]", inner, 0..4).prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn it_merges_as_another_implementation_does(value in any_json(), patch in any_json()) {
            let mut expected = value.clone();
            json_patch::merge(&mut expected, &patch);
            prop_assert_eq!(merged(value, &patch), expected);
        }
    }
}
