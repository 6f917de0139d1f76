//! An operator's templates are tried on samples before an incident needs them.

use std::collections::BTreeMap;

use handlebars::{
    Context, Handlebars, Helper, HelperDef, HelperResult, JsonTruthy, Output, RenderContext, RenderError,
    RenderErrorReason, Renderable,
};
use serde::Deserialize;
use serde_json::Value;

use super::templates::{LINES, Shipped, TemplateError, Templates};

const PUT_INTO_IF: &str = ". What it asks for is not always there: put it into `{{#if …}}`";

/// What a template may be given: with everything that may be there, and with only what is always there.
type Sample = (Value, Value);

/// A test makes them from the views of real messages.
#[derive(Deserialize)]
struct Samples {
    incident: Sample,
    messages: BTreeMap<String, Sample>,
    lines: BTreeMap<String, Sample>,
}

impl Templates {
    /// What is wrong with the operator's templates, as far as the samples go. On the full sample, no name may be unknown, not even where `if` or
    /// `unless` asks for it. A name in a branch that no sample takes, or inside `(and …)` and the like, is not looked at.
    ///
    /// # Errors
    /// The samples cannot be read.
    pub fn mistakes(&self) -> serde_json::Result<Vec<TemplateError>> {
        if self.sources().values().all(|source| source == "shipped") {
            return Ok(Vec::new());
        }
        let samples = Shipped::get("samples.json").map(|file| file.data).unwrap_or_default();
        let samples: Samples = serde_json::from_slice(&samples)?;
        let mut mistakes = Vec::new();
        for (real, samples_of, file) in
            [(&self.handlebars, samples.messages, None), (&self.lines, samples.lines, Some(LINES))]
        {
            let mut strict = real.clone();
            strict.set_dev_mode(true);
            strict.register_helper("if", Box::new(Question(true)));
            strict.register_helper("unless", Box::new(Question(false)));
            for (block, (mut full, mut least)) in samples_of {
                let source = self.sources().get(file.unwrap_or(&block)).filter(|source| *source != "shipped");
                let Some(source) = source else { continue };
                filled(&mut full, &samples.incident.0);
                filled(&mut least, &samples.incident.1);
                // The facts of a post-mortem have different fields, so its template may ask which fields one has.
                let asked = if block == "postmortem" { real } else { &strict };
                let (line, what) = match (asked.render(&block, &full), real.render(&block, &least)) {
                    (Err(error), _) => (error.line_no, explained(&error, &full)),
                    (_, Err(error)) => (error.line_no, format!("{}{PUT_INTO_IF}", explained(&error, &least))),
                    _ => continue,
                };
                mistakes.push(TemplateError { file: source.clone(), line, what });
            }
        }
        Ok(mistakes)
    }
}

/// Puts the incident's fields where the sample says `$incident`.
fn filled(view: &mut Value, incident: &Value) {
    match view {
        Value::Array(all) => all.iter_mut().for_each(|one| filled(one, incident)),
        Value::Object(fields) => {
            fields.values_mut().for_each(|one| filled(one, incident));
            if fields.remove("$incident").is_some() {
                let own = std::mem::replace(fields, incident.as_object().cloned().unwrap_or_default());
                fields.extend(own);
            }
        }
        _ => {}
    }
}

/// `if` or `unless`, but it fails if it asks for something unknown.
struct Question(bool);

impl HelperDef for Question {
    fn call<'reg: 'rc, 'rc>(
        &self,
        h: &Helper<'rc>,
        r: &'reg Handlebars<'reg>,
        context: &'rc Context,
        rc: &mut RenderContext<'reg, 'rc>,
        out: &mut dyn Output,
    ) -> HelperResult {
        let of = h.param(0).ok_or(RenderErrorReason::ParamNotFoundForIndex("if", 0))?;
        // A label may have any name.
        let is_label = of.relative_path().is_some_and(|path| path.contains("labels."));
        if of.is_value_missing() && !is_label {
            return Err(RenderErrorReason::MissingVariable(of.relative_path().cloned()).into());
        }
        let chosen = if of.value().is_truthy(false) == self.0 { h.template() } else { h.inverse() };
        chosen.map_or(Ok(()), |words| words.render(r, context, rc, out))
    }
}

/// What is wrong, and which names there are instead.
fn explained(error: &RenderError, view: &Value) -> String {
    let RenderErrorReason::MissingVariable(Some(path)) = error.reason() else { return error.reason().to_string() };
    let of = path.rsplit_once('.').map(|(of, _)| format!("/{}", of.replace('.', "/")));
    let fields = view.pointer(&of.unwrap_or_default()).and_then(Value::as_object);
    let known = fields.map(|fields| format!("; there are {}", fields.keys().cloned().collect::<Vec<_>>().join(", ")));
    format!("there is no `{path}`{}", known.unwrap_or_default())
}
