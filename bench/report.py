"""Turns measurements into medians, and medians into text. `python3 bench/report.py results.json` prints a run again."""

import json
import statistics
import sys

FIGURES = ("rate", "p50_ms", "p99_ms", "server_cpu_us", "postgres_cpu_us", "resident_kib")


def median(samples):
    found = {}
    for figure in FIGURES:
        values = [sample[figure] for sample in samples if sample.get(figure) is not None]
        if values:
            found[figure] = statistics.median(values)
    rates = [sample["rate"] for sample in samples]
    found["rate_range"] = [min(rates), max(rates)]
    return found


def summaries(samples):
    """Of each operation: each contender's medians, pgbench's best form, and what the server does in relation to both."""
    found = {}
    for operation, contenders in samples.items():
        medians = {name: median(rounds) for name, rounds in contenders.items()}
        summary = found[operation] = {"contenders": medians}
        ours = medians["server"]["rate"]
        forms = [name for name in medians if name.startswith("pgbench ")]
        if forms:
            best = max(forms, key=lambda name: medians[name]["rate"])
            summary["best_form"] = best
            summary["to_best_form"] = ours / medians[best]["rate"]
            # Round by round: how far the ratio can be trusted.
            by_round = [
                mine["rate"] / contenders[best][turn]["rate"] for turn, mine in enumerate(contenders["server"])
            ]
            summary["to_best_form_range"] = [min(by_round), max(by_round)]
        if "before" in medians:
            summary["to_before"] = ours / medians["before"]["rate"]
            by_round = [mine["rate"] / contenders["before"][turn]["rate"] for turn, mine in enumerate(contenders["server"])]
            summary["to_before_range"] = [min(by_round), max(by_round)]
        if "bare" in medians:
            summary["to_bare"] = ours / medians["bare"]["rate"]
    return found


def cell(value, form="{:,.0f}", absent="-"):
    return absent if value is None else form.format(value)


def table(head, rows):
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
    def line(cells):
        padded = [c.ljust(w) if n == 0 else c.rjust(w) for n, (c, w) in enumerate(zip(cells, widths))]
        return "| " + " | ".join(padded) + " |"
    rule = "|" + "|".join(("-" if n == 0 else "-") * (w + 1) + ("-" if n == 0 else ":") for n, w in enumerate(widths)) + "|"
    return [line(head), rule, *map(line, rows)]


def overview(results):
    rows = []
    for operation, summary in results["operations"].items():
        contenders = summary["contenders"]
        ours, best = contenders["server"], contenders.get(summary.get("best_form"), {})
        rows.append([
            operation,
            cell(ours["rate"]),
            cell(ours["p50_ms"], "{:.2f}"),
            cell(ours["p99_ms"], "{:.2f}"),
            cell(ours["server_cpu_us"]),
            cell(ours["postgres_cpu_us"]),
            cell(ours["resident_kib"] / 1024, "{:.1f}"),
            cell(best.get("rate")),
            cell(summary.get("to_best_form"), "{:.2f}"),
            cell(summary.get("to_bare"), "{:.2f}"),
        ])
    head = ["", "per second", "p50 ms", "p99 ms", "CPU µs, server", "CPU µs, PostgreSQL", "RSS MiB", "pgbench's best", "to that", "to bare"]
    return table(head, rows)


def text(results):
    facts, lines = results["facts"], []
    data, settings = facts["data"], facts["settings"]
    lines += [
        f"Commit {facts['commit'] or 'unknown'}, {facts.get('build', 'cargo build --release')}, {facts['date']}",
        f"{facts['cpu']}, {facts['cores']} cores, {facts['memory_gib']} GiB, Linux {facts['kernel']}; "
        f"load before the run {facts['load_average'][0]:.1f}",
        f"PostgreSQL {facts['postgres']}: " + ", ".join(f"{name} {value}" for name, value in settings.items()),
        "One write of 8 KiB and its sync, in µs: "
        + (", ".join(f"{name} {value}" for name, value in facts["sync"].items()) or "not measured"),
        f"{data['contacts']:,} contacts of {data['tenants'] + 1:,} tenants, {data['keys']:,} keys, {facts['database_mib']:,} MiB; "
        f"{facts['rounds']} rounds of {facts['seconds']} s; wrk: {facts['connections']} connections, {facts['wrk_threads']} thread; "
        f"pgbench: {facts['pgbench_clients']} clients, 1 thread",
    ]
    for operation, summary in results.get("operations", {}).items():
        lines += ["", f"{operation}: answer of {results['answer_bytes'][operation]:,} bytes", ""]
        rows = []
        for name, m in summary["contenders"].items():
            best = " (best)" if name == summary.get("best_form") else ""
            rows.append([
                name + best,
                cell(m["rate"]),
                f"{m['rate_range'][0]:,.0f}–{m['rate_range'][1]:,.0f}",
                cell(m.get("p50_ms"), "{:.2f}"),
                cell(m.get("p99_ms"), "{:.2f}"),
                cell(m.get("server_cpu_us")),
                cell(m.get("postgres_cpu_us")),
                cell(m.get("resident_kib") and m["resident_kib"] / 1024, "{:.1f}"),
            ])
        lines += table(["", "per second", "range", "p50 ms", "p99 ms", "CPU µs, server", "CPU µs, PostgreSQL", "RSS MiB"], rows)
        ratios = []
        if "to_best_form" in summary:
            low, high = summary["to_best_form_range"]
            ratios.append(f"server to {summary['best_form']}: {summary['to_best_form']:.2f} (rounds: {low:.2f}–{high:.2f})")
        if "to_before" in summary:
            low, high = summary["to_before_range"]
            ratios.append(f"server to the one before: {summary['to_before']:.2f} (rounds: {low:.2f}–{high:.2f})")
        if "to_bare" in summary:
            ratios.append(f"server to bare: {summary['to_bare']:.2f}")
        if ratios:
            lines += ["", "; ".join(ratios)]
    if results.get("operations"):
        lines += ["", "In short", "", *overview(results)]
        rates = {name: summary["contenders"]["server"]["rate"] for name, summary in results["operations"].items()}
        pairs = [(lead, contact) for lead, contact in (("leads", "list"), ("create-lead", "create")) if {lead, contact} <= set(rates)]
        lines += ["", *[f"{lead} to {contact}: {rates[lead] / rates[contact]:.2f}" for lead, contact in pairs]]
    lines.append("")
    lines.append(f"Memory after the start: {results['idle_resident_kib'] / 1024:.1f} MiB resident")
    if "many_connections" in results:
        many = results["many_connections"]
        for operation, m in many["operations"].items():
            lines.append(
                f"{many['connections']} connections, {operation}: {m['resident_kib'] / 1024:.1f} MiB resident, "
                f"{m['rate']:,.0f}/s, p99 {m['p99_ms']:.1f} ms"
            )
    if "pages" in results:
        p = results["pages"]
        verdict = "within 10 %" if abs(p["rate_ratio"] - 1) <= 0.1 else "NOT within 10 %"
        lines.append(
            f"Page 1 of the large tenant: {p['first']['rate']:,.0f}/s, p50 {p['first']['p50_ms']:.2f} ms; page {p['deep_page']:,}: "
            f"{p['deep']['rate']:,.0f}/s, p50 {p['deep']['p50_ms']:.2f} ms; ratio {p['rate_ratio']:.2f}, {verdict}"
        )
    if "round_trips" in results:
        each = [
            f"{name} {m['round_trips']:g} ({m['statements']:g} statements, {m['prepared']:g} of them prepared anew)"
            for name, m in results["round_trips"].items()
        ]
        lines.append("Round trips to PostgreSQL for each request: " + ", ".join(each))
    if "start_ms" in results:
        names = {"database_running": "PostgreSQL runs", "database_stopped": "PostgreSQL is started too", "database_new": "a new database is made"}
        each = [f"{names[name]} {m['median']:,.0f}" for name, m in results["start_ms"].items()]
        lines.append("Start to first answer, ms: " + ", ".join(each))
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    with open(sys.argv[1]) as file:
        print(text(json.load(file)))
