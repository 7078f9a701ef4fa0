//! One panel in Grafana's dashboard schema (v1, `schemaVersion` 42).

use serde_json::{Value, json};

/// The visualization of a panel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    TimeSeries,
    Stat,
    Heatmap,
    StateTimeline,
}

/// One panel and its queries.
#[derive(Clone, Debug)]
pub(super) struct Panel {
    kind: Kind,
    title: String,
    description: String,
    unit: &'static str,
    width: u64,
    stacked: bool,
    bounds: (Option<f64>, Option<f64>),
    decimals: Option<u64>,
    /// The thresholds, as value and colour. The first colour is the base.
    steps: Vec<(Option<f64>, &'static str)>,
    queries: Vec<(String, String)>,
}

impl Panel {
    fn new(kind: Kind, title: impl Into<String>, description: impl Into<String>) -> Self {
        Self {
            kind,
            title: title.into(),
            description: description.into(),
            unit: "short",
            width: 12,
            stacked: false,
            bounds: (None, None),
            decimals: None,
            steps: vec![(None, "green")],
            queries: Vec::new(),
        }
    }

    pub(super) fn time_series(title: impl Into<String>, description: impl Into<String>) -> Self {
        Self::new(Kind::TimeSeries, title, description)
    }

    pub(super) fn stat(title: impl Into<String>, description: impl Into<String>) -> Self {
        Self::new(Kind::Stat, title, description)
    }

    pub(super) fn heatmap(title: impl Into<String>, description: impl Into<String>) -> Self {
        Self::new(Kind::Heatmap, title, description)
    }

    pub(super) fn state_timeline(title: impl Into<String>, description: impl Into<String>) -> Self {
        Self::new(Kind::StateTimeline, title, description)
    }

    /// Adds a query, and the legend of its series.
    pub(super) fn query(mut self, expr: impl Into<String>, legend: impl Into<String>) -> Self {
        self.queries.push((expr.into(), legend.into()));
        self
    }

    /// Sets the unit, by its identifier in Grafana.
    pub(super) fn unit(mut self, unit: &'static str) -> Self {
        self.unit = unit;
        self
    }

    /// Sets the width in columns, of 24.
    pub(super) fn width(mut self, width: u64) -> Self {
        self.width = width;
        self
    }

    pub(super) fn stacked(mut self) -> Self {
        self.stacked = true;
        self
    }

    pub(super) fn min(mut self, min: f64) -> Self {
        self.bounds.0 = Some(min);
        self
    }

    pub(super) fn max(mut self, max: f64) -> Self {
        self.bounds.1 = Some(max);
        self
    }

    pub(super) fn decimals(mut self, decimals: u64) -> Self {
        self.decimals = Some(decimals);
        self
    }

    /// Sets the base colour and the colours from given values on.
    pub(super) fn colours(
        mut self,
        base: &'static str,
        steps: impl IntoIterator<Item = (f64, &'static str)>,
    ) -> Self {
        self.steps = vec![(None, base)];
        self.steps.extend(steps.into_iter().map(|(from, colour)| (Some(from), colour)));
        self
    }

    pub(super) fn columns(&self) -> u64 {
        self.width
    }

    /// Renders the JSON at a position in the grid.
    pub(super) fn json(&self, id: u64, x: u64, y: u64, height: u64) -> Value {
        let heatmap = self.kind == Kind::Heatmap;
        let targets: Vec<_> = (b'A'..=b'Z')
            .zip(&self.queries)
            .map(|(name, (expr, legend))| {
                json!({
                    "refId": char::from(name).to_string(),
                    "datasource": datasource(),
                    "editorMode": "code",
                    "expr": expr,
                    "legendFormat": legend,
                    "format": if heatmap { "heatmap" } else { "time_series" },
                    "range": self.kind != Kind::Stat,
                    "instant": self.kind == Kind::Stat,
                    // Exemplars link a bucket to the trace of one of its requests.
                    "exemplar": expr.contains("_bucket{"),
                })
            })
            .collect();
        let steps: Vec<_> = self
            .steps
            .iter()
            .map(|(value, colour)| json!({"value": value, "color": colour}))
            .collect();
        let mut defaults = json!({
            "unit": self.unit,
            "color": {"mode": if self.steps.len() > 1 && self.kind != Kind::TimeSeries {
                "thresholds"
            } else {
                "palette-classic"
            }},
            "thresholds": {"mode": "absolute", "steps": steps},
            "mappings": [],
            "links": [],
            "custom": self.custom(),
        });
        for (key, value) in [("min", self.bounds.0), ("max", self.bounds.1)] {
            if let Some(value) = value {
                defaults[key] = json!(value);
            }
        }
        if let Some(decimals) = self.decimals {
            defaults["decimals"] = json!(decimals);
        }
        json!({
            "id": id,
            "type": match self.kind {
                Kind::TimeSeries => "timeseries",
                Kind::Stat => "stat",
                Kind::Heatmap => "heatmap",
                Kind::StateTimeline => "state-timeline",
            },
            "title": self.title,
            "description": self.description,
            "gridPos": {"h": height, "w": self.width, "x": x, "y": y},
            "datasource": datasource(),
            "targets": targets,
            "links": [],
            "fieldConfig": {"defaults": defaults, "overrides": []},
            "options": self.options(),
            "transformations": [],
            "transparent": false,
        })
    }

    fn custom(&self) -> Value {
        match self.kind {
            Kind::TimeSeries => json!({
                "drawStyle": "line",
                "lineWidth": 1,
                "fillOpacity": if self.stacked { 40 } else { 10 },
                "showPoints": "never",
                "spanNulls": false,
                "stacking": {"group": "A", "mode": if self.stacked { "normal" } else { "none" }},
                "thresholdsStyle": {"mode": if self.steps.len() > 1 { "line" } else { "off" }},
            }),
            Kind::StateTimeline => json!({"fillOpacity": 70, "lineWidth": 0}),
            Kind::Heatmap => json!({"scaleDistribution": {"type": "linear"}}),
            Kind::Stat => json!({}),
        }
    }

    fn options(&self) -> Value {
        let legend =
            json!({"showLegend": true, "displayMode": "list", "placement": "bottom", "calcs": []});
        let tooltip = json!({"mode": "multi", "sort": "desc"});
        match self.kind {
            Kind::TimeSeries => json!({"legend": legend, "tooltip": tooltip}),
            Kind::StateTimeline => json!({
                "legend": legend,
                "tooltip": tooltip,
                "alignValue": "left",
                "mergeValues": true,
                "rowHeight": 0.9,
                "showValue": "never",
            }),
            Kind::Stat => json!({
                "colorMode": "value",
                "graphMode": "none",
                "justifyMode": "auto",
                "orientation": "auto",
                "percentChangeColorMode": "standard",
                "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": false},
                "showPercentChange": false,
                "textMode": "auto",
                "wideLayout": true,
            }),
            Kind::Heatmap => json!({
                "calculate": false,
                "cellGap": 1,
                "cellValues": {},
                "color": {
                    "mode": "scheme",
                    "scheme": "Oranges",
                    "steps": 64,
                    "exponent": 0.5,
                    "fill": "dark-orange",
                    "reverse": false,
                    "scale": "exponential",
                },
                "exemplars": {"color": "rgba(255,0,255,0.7)"},
                "filterValues": {"le": 1e-9},
                "legend": {"show": true},
                "rowsFrame": {"layout": "auto"},
                "showValue": "never",
                "tooltip": {"mode": "single", "yHistogram": false, "showColorScale": false},
                "yAxis": {"axisPlacement": "left", "reverse": false, "unit": self.unit},
            }),
        }
    }
}

/// Returns a reference to the variable that selects the data source.
pub(super) fn datasource() -> Value {
    json!({"type": "prometheus", "uid": "${datasource}"})
}
