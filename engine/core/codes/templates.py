"""TF25xx: templates (Jinja)."""

from __future__ import annotations

from engine.core.findings import Code

CODES: tuple[Code, ...] = (
    Code(
        "TF2501",
        "the template cannot be read",
        "A template is text with {{ value }} and {% if %}, {% for %}, {% set %} in it; each must be closed.",
        'template: "Sale {{ receipt_no"',
        'template: "Sale {{ receipt_no }}"',
    ),
    Code(
        "TF2502",
        "the template is too large",
        "A template has at most 64 KiB and 5,000 parts, so that a mistake cannot stop the engine.",
        "template: (a text of 100 KiB)",
        "template: (the same text in several templates)",
    ),
    Code(
        "TF2503",
        "not available in templates",
        "Templates print values. Macros, includes, imports, blocks and ** are left out: they can make a small "
        "template use all memory or reach what is not its own.",
        "template: \"{% include 'footer' %}\"",
        'template: "Sale {{ receipt_no }}"',
    ),
    Code(
        "TF2504",
        "a name that is not part of the data",
        "Names with _ at the front lead to the inside of Python, not to data, and are refused.",
        "template: \"{{ ''.__class__ }}\"",
        'template: "{{ store.name }}"',
    ),
    Code(
        "TF2505",
        "a method call",
        "Values of templates are data and have no methods. Filters and functions do the same with caps.",
        'template: "{{ store.name.upper() }}"',
        'template: "{{ store.name | upper }}"',
    ),
    Code(
        "TF2506",
        "loops that run too often",
        "Loops stand at most 3 deep inside each other and run at most 100,000 times together.",
        'template: "{% for a in range(10000) %}{% for b in range(10000) %}.{% endfor %}{% endfor %}"',
        'template: "{% for line in lines %}{{ line.sku }} {% endfor %}"',
    ),
    Code(
        "TF2507",
        "there is no such filter or test",
        "Templates have a short list of filters and tests, each exact and capped.",
        'template: "{{ store.name | uper }}"',
        'template: "{{ store.name | upper }}"',
    ),
    Code(
        "TF2508",
        "a function call that cannot work",
        "Functions are those of expressions, with the same arguments in the same order, without names.",
        "template: \"{{ lookup('stores').name }}\"",
        "template: \"{{ lookup('stores', store.id).name }}\"",
    ),
    Code(
        "TF2510",
        "a name the data does not have",
        "The schema that flows here has no such name, so the template would fail for every event.",
        'template: "Sale {{ reciept_no }}"',
        'template: "Sale {{ receipt_no }}"',
    ),
)
