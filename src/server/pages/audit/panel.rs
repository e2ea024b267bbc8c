//! The entry beside the list: what it changed, its proof, its JSON, and where to go on. Looking at it is itself an entry.

use leptos::prelude::*;

use super::{Address, May, of_trace};
use crate::{
    model::id::TraceId,
    server::pages::audit_entry::Whole,
    ui::parts::{Facts, Icon},
};

/// The panel. It stands before the list, so that whoever opened it comes to it first.
pub fn view(whole: &Whole, zone: &str, may: May, address: &Address) -> AnyView {
    let e = &whole.entry;
    let (title, code, own) = (e.action.label(), e.action.code(), format!("/audit/{}", e.id));
    let trace = of_trace(&TraceId(e.trace_id).to_string());
    let same = whole.same_day(zone).map(|href| view! { <a class="link" href=href>"This actor that day"</a> });
    let close = address.showing(None).href();
    let (facts, diff, chain) = (whole.facts(zone, may), whole.diff(), whole.chain(zone));
    let (link, raw) = (whole.link.clone(), whole.raw());
    view! {
        <section class="card stack-tight audit-panel" id="entry" aria-labelledby="entry-title">
            <div class="toolbar">
                <h2 class="card-title" id="entry-title">{title}</h2>
                <a class="btn btn-ghost btn-small" href=close>
                    <Icon name="cross" />
                    "Close"
                </a>
            </div>
            <p class="mono subtle">{code}</p>
            <Facts items=facts />
            <p class="row">
                {same}
                <a class="link" href=trace>"All of this trace"</a>
                <a class="link" href=own>"On its own page"</a>
            </p>
            <h3 class="section-title">"What it changed"</h3>
            {diff}
            <h3 class="section-title">"Its place in the chain"</h3>
            {chain}
            <h3 class="section-title">"Link to this entry"</h3>
            <code class="secret" data-copy="">{link}</code>
            <details>
                <summary>
                    <span class="link">"The entry as JSON"</span>
                </summary>
                <pre class="secret">{raw}</pre>
            </details>
        </section>
    }
    .into_any()
}
