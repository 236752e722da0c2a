"""Hot reload: what is wanted is staged in every process, and runs in all of them or in none.

wanted         what was read from the project's files
accepting      who accepted the risks of a change
record         revisions in the Store, with their audit
leader         offers a revision, waits for all, decides
leading        the lease of whoever leads
mending        what a leader left that died
member         one process: gets ready, swaps, reports
processes      which processes are live, what each said of a revision
staging        whether this process could run it
swap           from one RouteSet to another, what is equal undisturbed
retiring       what is left of routes that are gone
probation      the first events of a changed route
waiting        an edit that is tried again by itself
watching       a project's files, again and again
verbs          what a person asks of revisions
texts          what people are told of it
"""
