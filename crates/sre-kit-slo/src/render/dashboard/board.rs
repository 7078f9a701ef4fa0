//! A Grafana dashboard: variables, rows of panels and links.

use serde_json::{Value, json};

use super::panel::{Panel, datasource};

/// The version of Grafana's dashboard schema v1, from `defaultDashboard` of the package
/// `@grafana/schema` 13.2.
const SCHEMA_VERSION: u64 = 42;

/// The height of a panel in grid units.
const HEIGHT: u64 = 8;

/// The tag by which the dashboards link to each other.
const TAG: &str = "sre-kit";

/// A dashboard before it is rendered.
#[derive(Clone, Debug)]
pub(super) struct Board {
    /// The uid, if links lead to the dashboard. Otherwise Grafana chooses one.
    pub(super) uid: Option<String>,
    pub(super) title: String,
    pub(super) description: String,
    /// The uid of the data source that is selected initially.
    pub(super) datasource_uid: Option<String>,
    /// The variables, as name, label and the query that returns the values.
    pub(super) variables: Vec<(&'static str, &'static str, String)>,
    pub(super) rows: Vec<(&'static str, Vec<Panel>)>,
    /// The links, as title and address.
    pub(super) links: Vec<(String, String)>,
}

impl Board {
    /// Renders the JSON for an import into Grafana.
    pub(super) fn json(&self) -> String {
        let mut dashboard = json!({
            "id": null,
            "title": self.title,
            "description": self.description,
            "tags": [TAG],
            "editable": true,
            "graphTooltip": 1,
            "schemaVersion": SCHEMA_VERSION,
            "version": 1,
            "timezone": "browser",
            "fiscalYearStartMonth": 0,
            "liveNow": false,
            "refresh": "30s",
            "time": {"from": "now-6h", "to": "now"},
            "timepicker": {},
            "links": self.links(),
            "annotations": {"list": []},
            "templating": {"list": self.variables()},
            "panels": self.panels(),
        });
        if let Some(uid) = &self.uid {
            dashboard["uid"] = json!(uid);
        }
        // Serializing a value with string keys cannot fail.
        let mut text = serde_json::to_string_pretty(&dashboard).unwrap_or_default();
        text.push('\n');
        text
    }

    fn panels(&self) -> Vec<Value> {
        let (mut panels, mut id, mut y) = (Vec::new(), 0, 0);
        let mut next = || {
            id += 1;
            id
        };
        for (title, row) in &self.rows {
            panels.push(json!({
                "id": next(),
                "type": "row",
                "title": title,
                "collapsed": false,
                "gridPos": {"h": 1, "w": 24, "x": 0, "y": y},
                "panels": [],
            }));
            y += 1;
            let mut x = 0;
            for panel in row {
                if x + panel.columns() > 24 {
                    (x, y) = (0, y + HEIGHT);
                }
                panels.push(panel.json(next(), x, y, HEIGHT));
                x += panel.columns();
            }
            y += HEIGHT;
        }
        panels
    }

    fn variables(&self) -> Vec<Value> {
        let current = self
            .datasource_uid
            .as_ref()
            .map_or_else(|| json!({}), |uid| json!({"text": uid, "value": uid, "selected": true}));
        let mut variables = vec![json!({
            "name": "datasource",
            "label": "Data source",
            "type": "datasource",
            "query": "prometheus",
            "regex": "",
            "current": current,
            "hide": 0,
            "includeAll": false,
            "multi": false,
            "options": [],
            "refresh": 1,
            "skipUrlSync": false,
        })];
        variables.extend(self.variables.iter().map(|(name, label, query)| {
            json!({
                "name": name,
                "label": label,
                "type": "query",
                "datasource": datasource(),
                "definition": query,
                "query": {"query": query, "refId": "PrometheusVariableQueryEditor-VariableQuery"},
                "regex": "",
                "current": {"text": ["All"], "value": ["$__all"], "selected": true},
                "hide": 0,
                "includeAll": true,
                // `.*` includes series without the label, such as requests that match no route.
                "allValue": ".*",
                "multi": true,
                "options": [],
                // 2 reloads the values when the time range changes, because series come and go.
                "refresh": 2,
                "skipUrlSync": false,
                "sort": 1,
            })
        }));
        variables
    }

    fn links(&self) -> Vec<Value> {
        let mut links = vec![json!({
            "title": "sre-kit",
            "type": "dashboards",
            "tags": [TAG],
            "asDropdown": false,
            "icon": "external link",
            "includeVars": true,
            "keepTime": true,
            "targetBlank": false,
            "tooltip": "",
            "url": "",
        })];
        links.extend(self.links.iter().map(|(title, url)| {
            json!({
                "title": title,
                "type": "link",
                "tags": [],
                "asDropdown": false,
                "icon": "doc",
                "includeVars": false,
                "keepTime": false,
                "targetBlank": true,
                "tooltip": "",
                "url": url,
            })
        }));
        links
    }
}
