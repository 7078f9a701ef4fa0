//! Whether a chart documents the keys that values set.

use serde_json::Value;

/// What the comparison of one file of values found.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Looked {
    /// Keys that the chart documents, and `name.*` for what it hands on as it is.
    pub(super) documented: Vec<String>,
    /// Keys that it does not.
    pub(super) unknown: Vec<String>,
}

/// Kubernetes' own, and Loki's own settings: charts hand them on.
const HANDED_ON: &[&str] = &["resources", "requests", "limits", "limits_config"];

/// Compares `ours` with the chart's own values and those of the charts inside it.
pub(super) fn look(ours: &Value, theirs: &Value) -> Looked {
    let mut looked = Looked::default();
    walk(ours, theirs, "", &mut looked);
    looked.documented.sort();
    looked.documented.dedup();
    looked
}

fn walk(ours: &Value, theirs: &Value, at: &str, looked: &mut Looked) {
    let last = at.rsplit('.').next().unwrap_or_default();
    for (key, value) in ours.as_object().into_iter().flatten() {
        let path = if at.is_empty() { key.clone() } else { format!("{at}.{key}") };
        // Nothing, or an empty map, documents no keys below it.
        let free = theirs.as_object().is_none_or(serde_json::Map::is_empty)
            || (HANDED_ON.contains(&last) && theirs.get(key).is_none());
        if free {
            looked.documented.push(format!("{at}.*"));
            return;
        }
        match theirs.get(key) {
            None => looked.unknown.push(path),
            Some(theirs) => {
                looked.documented.push(path.clone());
                walk(value, theirs, &path, looked);
            }
        }
    }
}

/// Adds the values of a chart inside the chart below its name, where the chart itself sets
/// none.
pub(super) fn with_dependency(theirs: &mut Value, name: &str, mut inner: Value) {
    if let Some(outer) = theirs.get_mut(name) {
        lay_over(&mut inner, outer.take());
    }
    theirs[name] = inner;
}

fn lay_over(below: &mut Value, above: Value) {
    match (below, above) {
        (Value::Object(below), Value::Object(above)) => {
            for (key, value) in above {
                lay_over(below.entry(key).or_insert(Value::Null), value);
            }
        }
        // An empty map on top says nothing.
        (below @ Value::Null, above) => *below = above,
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{look, with_dependency};

    #[test]
    fn a_key_that_is_misspelt_is_unknown() {
        let theirs = json!({"a": {"b": 1, "free": {}}, "none": null});
        let looked =
            look(&json!({"a": {"b": 2, "free": {"x": {"y": 1}}}, "none": {"z": 1}}), &theirs);
        assert!(looked.unknown.is_empty());
        assert_eq!(looked.documented, ["a", "a.b", "a.free", "a.free.*", "none", "none.*"]);
        assert_eq!(look(&json!({"a": {"bb": 2}, "c": 1}), &theirs).unknown, ["a.bb", "c"]);
    }

    #[test]
    fn limits_beside_requests_are_kubernetes_own() {
        let theirs = json!({"resources": {"requests": {"cpu": "1"}}});
        let looked = look(&json!({"resources": {"limits": {"memory": "1"}}}), &theirs);
        assert_eq!(looked.documented, ["resources", "resources.*"]);
    }

    #[test]
    fn a_chart_inside_documents_what_is_below_its_name() {
        let mut theirs = json!({"grafana": {"a": 1, "deep": {"x": 1}}});
        with_dependency(&mut theirs, "grafana", json!({"b": 2, "deep": {"y": 1}}));
        with_dependency(&mut theirs, "other", json!({"c": 3}));
        let ours =
            json!({"grafana": {"a": 1, "b": 1, "deep": {"x": 1, "y": 1}}, "other": {"c": 1}});
        assert!(look(&ours, &theirs).unknown.is_empty());
    }
}
