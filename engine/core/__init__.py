"""What everything else is said in. Imports nothing of the engine.

event     the envelope around `data`
outcome   what running one event gives
errors    all that can go wrong, as one tree
findings  one problem in a file, in five parts
codes     the catalogue of their codes
ids       identities that depend on nothing but content
clock     time as a port
numbers   exact numbers: int and Decimal
money     exact amounts, rounded by currency
jsonx     JSON that keeps numbers exact
differing  where two of its values differ
masking   card numbers, mail addresses, phone numbers hidden
visible   what a terminal would obey, shown instead
quoting   texts in messages, cut
wording   articles and plurals
distance  how far two words are apart
garbage   when a process looks for garbage
"""
