"""Every trap that was tried against the installed ccxt or measured on loopback, and what guards us.

A row is named by a number and its subject. Its tests fail if our code falls in; they need not show the trap itself.
What one venue alone does stands in the capability map, too, with its test (`tests/capabilities/test_map.py`).
"""

from dataclasses import dataclass

BY_DAY = "tests/connectors/matrix/test_matrix.py::test_by_day_each_venue_meets_the_most_telling_faults"
MATRIX = "tests/connectors/matrix/test_matrix.py::test_by_night_every_cell"
NOT_SENT = "tests/connectors/matrix/test_matrix.py::test_where_nobody_listens_nothing_is_sent"
WITNESS = "tests/connectors/matrix/test_matrix.py::test_while_one_witness_lies_nothing_is_missing"
OURS = "tests/connectors/test_traps.py"
MAP = "tests/capabilities/test_traps.py"
WIRE = "tests/capabilities/test_wire.py"
PORT = "tests/conformance/test_port.py"


@dataclass(frozen=True, slots=True)
class Trap:
    """`row`: its name, and of whom it tells. `says`: what happens to those who fall in."""

    row: str
    says: str
    tests: tuple[str, ...]


TRAPS = (
    # What comes back from create_order.
    Trap(
        "0.1 unconfirmed orders",
        "HTTP 200 with a page, nothing or cut JSON is returned as an order whose id is None; nothing is raised.",
        (BY_DAY, MATRIX, f"{MAP}::test_an_unconfirmed_order_is_lost"),
    ),
    Trap(
        "2.2 silent server",
        "RequestTimeout: after the order was sent.",
        (MATRIX, "tests/connectors/test_lies.py::test_placed_but_told_nothing_usable"),
    ),
    Trap("2.2 closed without an answer", "ExchangeNotAvailable, as if nothing had been sent.", (BY_DAY, MATRIX)),
    Trap("2.2 cut body, bad gzip", "A bare ExchangeError, the class of a rejection, on all venues.", (BY_DAY, MATRIX)),
    Trap("2.2 an empty object", "Returned as an order with id None, or raised as a rejection.", (MATRIX,)),
    Trap("2.2 gemini's closed order", "A page under 200 is an order with status 'closed' and no id.", (MATRIX,)),
    Trap("2.2 bitfinex's TypeError", "An empty body raises what no caller of an exchange expects.", (MATRIX,)),
    Trap(
        "2.2 pages under 400 and 404",
        "Network errors to retry; at gemini OrderNotFound, which would prove absence.",
        (MATRIX, WITNESS),
    ),
    Trap("2.2 pages under 403", "Anything from a rate limit to a missing permission.", (MATRIX,)),
    Trap("2.2 pages under 429 and 418", "Five different classes; on cryptocom a rejection.", (MATRIX,)),
    Trap("2.2 pages under 500", "A rejection on bitfinex, gemini and cryptocom.", (MATRIX,)),
    Trap("2.2 502, 503, 504, 520", "ExchangeNotAvailable or RequestTimeout: unknown, not refused.", (BY_DAY, MATRIX)),
    Trap("2.2 connection refused", "The same class as a connection that was lost after sending.", (NOT_SENT,)),
    Trap(
        "2.4 a connection that never stands",
        "A time-out like any other, although no byte has left.",
        ("tests/connectors/matrix/test_matrix.py::test_a_connection_that_never_stands_carries_nothing",),
    ),
    Trap(
        "2.4 a certificate that is not believed",
        "A client error among others: provably not sent; after the handshake nothing is proved.",
        (
            "tests/connectors/test_tls.py::test_a_venue_that_does_not_gets_nothing",
            "tests/connectors/test_tls.py::test_a_connection_that_breaks_after_the_handshake_proves_nothing",
        ),
    ),
    Trap(
        "2.3 ambiguous codes",
        "Time-outs and internal errors of venues are filed under classes that mean a rejection.",
        (
            f"{MAP}::test_an_ambiguous_code_is_no_refusal",
            "tests/connectors/test_verdict.py::test_what_is_not_on_the_list_is_lost",
        ),
    ),
    Trap(
        "2.4 one record per instance",
        "The last answer is kept on the instance, where any concurrent call overwrites it.",
        (f"{OURS}::test_calls_side_by_side_are_told_apart", f"{OURS}::test_absence_of_one_order_is_no_word_on_another"),
    ),
    Trap(
        "2.4 ccxt's own retries",
        "An option signs and sends an order again on any failure of operation.",
        (
            f"{OURS}::test_numbers_stay_text_and_ccxt_neither_waits_nor_repeats",
            "tests/connectors/test_retry.py::test_an_order_whose_answer_is_missing_is_never_sent_again",
        ),
    ),
    Trap(
        "2.4 a cancelled submit",
        "The task is gone, the order is there.",
        ("tests/connectors/test_lies.py::test_a_cancelled_task_sent_one_copy_and_it_is_found",),
    ),
    Trap("2.4 a DELETE sent twice", "aiohttp repeats it on a dropped connection: 'not found' is no proof.", (MATRIX,)),
    Trap(
        "2.4 redirects",
        "A 307 to another host is followed with key, passphrase and signed order.",
        (BY_DAY, MATRIX, "tests/connectors/test_books.py::test_a_websocket_is_not_redirected"),
    ),
    # Our id.
    Trap(
        "1.1 coinbase and cryptocom drop our id",
        "`clientOrderId` is lost: a random id goes out, or none.",
        (
            BY_DAY,
            f"{MAP}::test_an_order_is_a_priced_limit_ioc_under_our_id",
            f"{WIRE}::test_the_unified_id_ends_where_the_map_says",
        ),
    ),
    Trap(
        "1.1 ids made by ccxt",
        "Without an id of ours one is made up, anew for each call: the same call twice is two orders.",
        (BY_DAY, f"{MAP}::test_an_order_is_a_priced_limit_ioc_under_our_id"),
    ),
    Trap(
        "1.1 kraken's false absence",
        "fetch_order by our id sends it as userref, and raises OrderNotFound for an order that exists.",
        (
            f"{MAP}::test_a_look_up_asks_for_our_id",
            "tests/connectors/test_answers.py::test_kraken_absence_needs_a_venue_that_heeds_the_id",
        ),
    ),
    Trap(
        "1.1 look-ups that do not look by our id",
        "coinbase, bybit, gemini, cryptocom and bitfinex are asked for an empty or unknown name.",
        (f"{MAP}::test_a_look_up_asks_for_our_id", f"{WIRE}::test_every_way_by_our_id_carries_it", MATRIX),
    ),
    Trap(
        "1.1 closed means filled",
        "fetch_closed_orders of bybit and coinbase asks for FILLED: a cancelled IOC is missed.",
        (f"{MAP}::test_an_order_that_ended_without_a_fill_is_found", f"{PORT}::test_what_an_ioc_does_not_fill_is_over"),
    ),
    Trap(
        "1.1 cancels that name nothing",
        "coinbase [''], bitstamp 'None', bybit and gemini and cryptocom an empty id beside ours.",
        (f"{MAP}::test_a_cancel_names_one_order",),
    ),
    Trap(
        "0.6 gate's cancel of everything",
        "cancel_order('') becomes DELETE /spot/orders/ of the pair.",
        (f"{MAP}::test_a_cancel_names_one_order",),
    ),
    Trap(
        "1.1 coinbaseexchange's cancel",
        "It names the product by ccxt's symbol, which no product has.",
        ("tests/connectors/test_coinbaseexchange.py::test_a_cancel_names_the_venues_own_product",),
    ),
    Trap(
        "1.1 bitfinex's number",
        "A text id goes through as cid, and a look-up by one raises decimal.InvalidOperation.",
        ("tests/connectors/test_bitfinex.py::test_our_id_goes_out_as_an_integer",),
    ),
    Trap(
        "1.1 bitfinex's second date",
        "A cancel by cid writes cid_date beside cidDate.",
        ("tests/connectors/test_bitfinex.py::test_a_cancel_without_the_venues_id_names_cid_and_day",),
    ),
    Trap(
        "1.1 gate's prefix",
        "An id that begins with t gets no t-, and is then the venue's own name for nothing.",
        (
            "tests/connectors/test_gate.py::test_our_id_keeps_its_prefix_and_fits",
            "tests/connectors/test_codec.py::test_each_venue_takes_the_encoding_in_its_limits",
        ),
    ),
    Trap(
        "1.1 kraken's id '0'",
        "Orders without our id are parsed with '0' for it.",
        ("tests/connectors/test_codec.py::test_ids_other_software_makes_are_foreign",),
    ),
    Trap(
        "0.4 a used id is taken again",
        "Binance looks at open orders only: a finished IOC with the same id fills a second time.",
        (
            f"{MAP}::test_a_used_id_is_sent_again_only_where_it_is_refused_for_ever",
            "tests/connectors/test_retry.py::test_an_order_whose_answer_is_missing_is_never_sent_again",
        ),
    ),
    Trap(
        "1.1 a duplicate is called invalid",
        "No venue's word for a used id becomes DuplicateOrderId: it looks like a rejection.",
        (MATRIX, "tests/connectors/test_verdict.py::test_a_used_id_means_go_and_look"),
    ),
    # Kinds of orders.
    Trap(
        "0.5 bitstamp's time in force",
        "timeInForce goes out raw and is not heard: the 'IOC' rests on the book, and `features` says it is supported.",
        (
            f"{MAP}::test_an_order_is_a_priced_limit_ioc_under_our_id",
            "tests/connectors/test_bitstamp.py::test_an_order_that_rests_because_nobody_said_ioc_is_not_ours",
        ),
    ),
    Trap(
        "1.2 market buys",
        "binance makes a cost of amount and price, okx takes the cost for base, three venues lose it.",
        (f"{MAP}::test_an_order_is_a_priced_limit_ioc_under_our_id",),
    ),
    Trap(
        "1.2 post-only by PO",
        "coinbaseexchange and kraken are sent a word they do not know.",
        (f"{WIRE}::test_each_kind_of_order_is_said_as_the_map_says",),
    ),
    Trap(
        "1.2 coinbase's fill-or-kill",
        "parse_order loses amount and price.",
        (f"{OURS}::test_a_fill_or_kill_order_of_coinbase_keeps_amount_and_price",),
    ),
    Trap(
        "1.2 emulated amends",
        "editOrder is a cancel and a create: not atomic, and not to be repeated.",
        (f"{OURS}::test_ccxts_calls_that_set_a_trap_are_not_made",),
    ),
    Trap(
        "1.2 questions before an order",
        "create_order asks for markets, accounts or modes first; any of those may time out with the order unsent.",
        (BY_DAY, f"{MAP}::test_an_order_is_the_only_request", f"{WIRE}::test_an_order_is_one_request"),
    ),
    Trap(
        "1.2 bitget and gate swallow it",
        "An exception on that way is cached as 'not unified', and every later order goes to the wrong account.",
        (BY_DAY, f"{MAP}::test_an_order_is_the_only_request", f"{WIRE}::test_left_to_itself_ccxt_asks_first"),
    ),
    # Books.
    Trap(
        "1.3 silence on a gap",
        "kraken, coinbase, coinbaseexchange, bybit, kucoin, bitstamp, gemini and gate: a lost delta is never noticed.",
        (
            "tests/connectors/test_recorded.py::test_a_dropped_message_of_a_real_tape_is_noticed",
            "tests/connectors/test_books.py::test_coinbase_counts_every_frame_of_the_connection",
            "tests/connectors/test_coinbaseexchange.py::test_a_quiet_book_is_held_against_rest",
            "tests/connectors/test_bybit.py::test_each_frame_of_a_book_follows_the_one_before",
            "tests/connectors/test_kucoin.py::test_a_lost_message_is_noticed",
            "tests/connectors/test_bitstamp.py::test_a_dropped_diff_of_a_recorded_stream_is_seen_by_the_next_check",
            "tests/connectors/test_gemini.py::test_a_counted_recording_is_read_as_rebuilt_by_hand_and_every_lost_frame_is_noticed",
            "tests/connectors/test_gate.py::test_a_lost_message_is_noticed",
            "tests/connectors/test_streams.py::test_a_gap_loses_the_book_and_brings_a_whole_one",
        ),
    ),
    Trap(
        "1.3 binance's gap",
        "ChecksumError through the awaited future, and with checks off a stale book without a word.",
        (
            "tests/connectors/test_books.py::test_binance_tells_a_gap",
            "tests/connectors/test_books.py::test_binance_never_shows_a_book_with_a_hole_in_it",
        ),
    ),
    Trap(
        "1.3 okx's gap",
        "InvalidNonce, and a book that is only asked for again by the next call.",
        ("tests/connectors/test_okx.py::test_an_update_that_does_not_follow_breaks_the_book_until_a_snapshot",),
    ),
    Trap(
        "1.3 bitfinex's and bitget's checksum",
        "ChecksumError at some later moment; without a sum nothing is checked.",
        (
            "tests/connectors/test_bitfinex.py::test_a_lost_message_is_noticed",
            "tests/connectors/test_bitget.py::test_a_change_that_cannot_be_checked_breaks_the_book",
        ),
    ),
    Trap(
        "1.3 cryptocom's and htx's gap",
        "The exception escapes: the receive loop is dead, the awaiter hangs, the subscription is kept.",
        (
            "tests/connectors/test_cryptocom.py::test_a_lost_message_is_noticed",
            "tests/connectors/test_htx.py::test_a_lost_message_is_noticed",
            f"{OURS}::test_no_frame_raises_out_of_the_handler",
        ),
    ),
    Trap(
        "1.3 kraken's checksum",
        "Off by default; switched on, it crashes the receive loop.",
        ("tests/connectors/test_recorded.py::test_every_checksum_of_a_real_tape_holds",),
    ),
    Trap(
        "1.3 a snapshot that cannot be joined",
        "After three tries the whole client is closed, with every symbol on it.",
        (
            "tests/connectors/test_upkeep.py::test_a_snapshot_that_cannot_be_read_starts_the_book_over",
            f"{OURS}::test_ccxts_calls_that_set_a_trap_are_not_made",
        ),
    ),
    Trap(
        "1.3 expired orders left out",
        "binance's fetch_canceled_and_closed_orders drops EXPIRED, the end of an IOC.",
        (f"{OURS}::test_ccxts_calls_that_set_a_trap_are_not_made", f"{PORT}::test_what_an_ioc_does_not_fill_is_over"),
    ),
    Trap(
        "1.3 bybit's pages of twenty",
        "A history that is not paged is cut.",
        ("tests/connectors/test_bybit.py::test_every_page_is_read",),
    ),
    Trap(
        "1.3 kraken's fees",
        "No list of fees, only symbol by symbol.",
        ("tests/connectors/test_recorded.py::test_kraken_fees",),
    ),
    Trap(
        "1.3 no stream to be had",
        "A refused upgrade raises, and nobody falls back to REST but the caller.",
        ("tests/connectors/test_streams.py::test_rest_stands_in_while_no_stream_can_be_had",),
    ),
    # Streams.
    Trap(
        "0.7 an exception in a handler",
        "The loop dies, the socket stays open, nobody is told until the ping times out, minutes later.",
        (
            f"{OURS}::test_no_frame_raises_out_of_the_handler",
            "tests/connectors/test_streams.py::test_a_bad_frame_does_not_end_the_stream_silently",
        ),
    ),
    Trap(
        "0.7 coinbase's error frame",
        "Any frame of type error does that.",
        (f"{OURS}::test_an_error_frame_of_coinbase_ends_the_connection_loudly",),
    ),
    Trap(
        "3.3 half a frame",
        "Not JSON: it fails before any handler that could be guarded.",
        ("tests/connectors/test_streams.py::test_half_a_frame_does_not_end_the_stream_silently",),
    ),
    Trap(
        "0.9 terminal states are dropped",
        "A report that comes between two awaits of watch_orders is never returned.",
        (
            f"{OURS}::test_every_report_is_heard_though_nobody_waits",
            f"{PORT}::test_reports_become_hints_under_both_ids",
        ),
    ),
    Trap(
        "3.1 the live book",
        "watch_order_book returns the object it goes on changing.",
        ("tests/book/test_venue_book.py::test_a_read_is_exact_and_a_copy",),
    ),
    Trap(
        "3.1 coalescing",
        "A hundred deltas are nineteen wake-ups, and a burst keeps the loop for itself.",
        (
            "tests/connectors/test_bybit.py::test_the_labs_frames_rebuild_the_exchanges_own_view",
            "tests/connectors/test_books.py::test_a_burst_lets_the_loop_go_every_few_frames",
        ),
    ),
    Trap(
        "3.1 wait_for on a shared watch",
        "A time-out in one task cancels the other's.",
        (f"{OURS}::test_ccxts_calls_that_set_a_trap_are_not_made",),
    ),
    Trap(
        "3.1 a gap in the private stream",
        "Lost while nobody waited, the error is invisible, and so is what was missed.",
        ("tests/connectors/test_streams.py::test_a_killed_private_socket_is_told_when_it_is_back",),
    ),
    Trap(
        "3.1 silent but answering pings",
        "Never detected.",
        (
            "tests/connectors/test_guards.py::test_a_socket_that_is_silent_but_answers_pings",
            "tests/connectors/test_streams.py::test_silence_is_noticed_although_pings_are_answered",
        ),
    ),
    Trap(
        "3.1 a dead pipe",
        "Found after two or three keep-alives: minutes at binance.",
        ("tests/connectors/test_guards.py::test_a_socket_that_is_half_open",),
    ),
    Trap(
        "3.1 the queue before a cancel",
        "One line per instance: a cancel behind ten polls waits two seconds.",
        (
            "tests/connectors/test_budget.py::test_headroom_lets_a_cancel_pass_a_queue_of_polls",
            f"{OURS}::test_numbers_stay_text_and_ccxt_neither_waits_nor_repeats",
        ),
    ),
    Trap(
        "3.1 cancelled callers",
        "Five that gave up still cost the next one a second.",
        (f"{OURS}::test_waiting_that_was_given_up_costs_nobody_anything",),
    ),
    Trap(
        "3.1 nonces out of order",
        "Calls side by side under one key arrive in another order than they were numbered.",
        ("tests/connectors/test_gemini.py::test_calls_that_run_side_by_side_arrive_in_the_order_of_their_nonces",),
    ),
    Trap(
        "3.1 createOrderWs",
        "Its future has no time-out.",
        (f"{OURS}::test_ccxts_calls_that_set_a_trap_are_not_made",),
    ),
    Trap(
        "5 a book per await",
        "Awaiting watch_order_book for each delta costs more than parsing it.",
        (f"{OURS}::test_ccxt_keeps_no_book_beside_ours",),
    ),
    # Clients.
    Trap(
        "4.1 set_sandbox_mode",
        "Six venues raise TypeError and stay on the live addresses.",
        (
            "tests/connectors/test_testnets.py::test_a_client_knows_exactly_the_hosts_of_the_test_network",
            "tests/connectors/test_testnets.py::test_no_live_address_passes_the_guard",
        ),
    ),
    Trap(
        "4.1 the session stays open",
        "close() does not close a session it was given.",
        (f"{OURS}::test_a_stopped_account_leaves_no_session_open",),
    ),
    Trap(
        "4.3 the private stream's address",
        "Spot reports come over the websocket API, and `/stream` in an address decides what it is taken for.",
        ("tests/capabilities/test_subscriptions.py::test_orders_are_subscribed_at_the_venues_own_host",),
    ),
    # Numbers.
    Trap(
        "6 prices are rounded half up",
        "A limit to buy becomes dearer than was asked.",
        (
            f"{OURS}::test_a_price_off_the_grid_leaves_at_no_venue",
            f"{PORT}::test_a_price_off_the_grid_is_never_rounded",
        ),
    ),
    Trap(
        "6 floats on the wire",
        "A quantity is written as a float is, or with other digits.",
        (f"{OURS}::test_a_small_quantity_is_written_out",),
    ),
    Trap(
        "0.10 number = Decimal",
        "The fee of an order is None, the list of fees is empty.",
        (
            f"{OURS}::test_numbers_stay_text_and_ccxt_neither_waits_nor_repeats",
            f"{PORT}::test_balances_move_by_the_trades_and_their_fees",
        ),
    ),
    Trap(
        "0.10 the decimal context",
        "Rounding and traps of the caller's context are set, for everything that runs after.",
        (
            f"{OURS}::test_no_call_leaves_a_mark_on_the_callers_decimal_context",
            "tests/connectors/test_requests.py::test_the_callers_decimal_context_is_left_alone",
        ),
    ),
    Trap(
        "6 a fee is text here and a number there",
        "fee['cost'] changes its type by venue and call.",
        (
            "tests/connectors/test_recorded.py::test_kraken_trades",
            "tests/connectors/test_recorded.py::test_coinbase_fills",
        ),
    ),
    # Recordings.
    Trap(
        "7 cassettes keep the key",
        "Key and signature stand in headers, query and body of what is recorded.",
        ("tests/connectors/test_secrets.py::test_cassettes_hold_no_key_and_no_signature",),
    ),
    Trap(
        "7 signed requests never match",
        "Query and time stamp differ at each replay; the socket's handshake is recorded and fails.",
        (
            "tests/connectors/test_cassettes.py::test_recorded_answers_are_read_as_they_were",
            "tests/connectors/test_cassettes.py::test_every_private_call_is_on_the_tape",
        ),
    ),
)

QUIRKS = (
    # What was read rather than tried, and is relied on at every venue all the same.
    Trap(
        "1.1 the spelling of our id",
        "Lengths and letters differ: an id that does not fit is cut, refused, or not found again.",
        (
            "tests/connectors/test_codec.py::test_each_venue_takes_the_encoding_in_its_limits",
            "tests/connectors/test_codec.py::test_every_encoding_has_its_inverse",
            "tests/capabilities/test_map.py::test_dialect_and_map_say_the_same",
        ),
    ),
    Trap(
        "2.4 refusal is a list",
        "Only a reviewed code under a status the venue answers for itself with proves that no order was made.",
        (
            MATRIX,
            "tests/connectors/test_verdict.py::test_whitelisted_codes_refuse",
            "tests/connectors/test_bitget.py::test_codes_prove_what_was_reviewed",
            "tests/connectors/test_cryptocom.py::test_codes_prove_what_was_reviewed",
            "tests/connectors/test_htx.py::test_codes_prove_what_was_reviewed",
            "tests/connectors/test_kucoin.py::test_every_reviewed_code_says_what_it_proves",
            "tests/connectors/test_gate.py::test_a_recorded_refusal_is_one",
            "tests/connectors/test_bitfinex.py::test_a_refusal_under_500_is_the_venues_own_word",
            "tests/connectors/test_coinbaseexchange.py::test_a_sentence_is_a_code",
        ),
    ),
    Trap(
        "2.3 binance's bad key",
        "-2015 becomes DDoSProtection, hence retryable, once a private call has succeeded.",
        (f"{OURS}::test_a_bad_key_is_a_refusal_whatever_went_before",),
    ),
    Trap(
        "2.5 two witnesses",
        "Absence is proved by every endpoint of a venue together, asked after the request can no longer be taken.",
        (
            WITNESS,
            "tests/connectors/matrix/test_matrix.py::test_by_day_the_last_witness_lies",
            f"{PORT}::test_absence_is_named_by_two_witnesses",
            "tests/engine/test_doubt.py::test_old_answers_are_judged_by_when_they_were_asked",
        ),
    ),
    Trap(
        "2.5 bybit after a restart",
        "Lately ended orders are forgotten by the first list; a list that does not heed our id may hide it.",
        ("tests/connectors/test_bybit.py::test_a_restart_of_the_venue_hides_no_order", MATRIX),
    ),
    Trap(
        "2.5 deadlines",
        "A window, a moment, a field or a header: where ccxt has no option, the request goes without.",
        (
            "tests/connectors/test_requests.py::test_the_deadline_travels_in_the_venues_own_time",
            "tests/connectors/test_binanceus.py::test_the_deadline_is_a_window_after_the_time_stamp",
            "tests/connectors/test_okx.py::test_the_deadline_is_a_header_and_no_field_of_the_order",
            "tests/connectors/test_bybit.py::test_a_late_copy_is_refused_by_its_own_window",
            "tests/connectors/test_gate.py::test_the_deadline_travels_in_a_header",
            "tests/connectors/test_kucoin.py::test_the_window_counts_from_the_signatures_own_time_stamp",
        ),
    ),
    Trap(
        "2.5 gate forgets",
        "A custom id is known for an hour after the order's end.",
        ("tests/connectors/test_gate.py::test_after_an_hour_only_the_lists_know_our_id",),
    ),
    Trap(
        "2.5 htx forgets",
        "Two hours after the end only the lists know an order, two days at a time.",
        (
            "tests/connectors/test_htx.py::test_two_hours_after_its_end_only_the_lists_know_an_order",
            "tests/connectors/test_htx.py::test_a_list_that_answers_for_two_days_is_asked_window_by_window",
        ),
    ),
    Trap(
        "2.5 gemini's list",
        "A look-up by our id may answer with every order that has it.",
        ("tests/connectors/test_gemini.py::test_two_orders_under_one_id_are_nobodys_order",),
    ),
    Trap(
        "1.2 bybit's acknowledgement",
        "The answer says only that the gateway took the order; the engine may still reject it.",
        (
            "tests/connectors/test_bybit.py::test_an_order_the_engine_rejects_after_the_gateway_took_it_is_found_rejected",
        ),
    ),
    Trap(
        "3.1 nonces of kraken, gemini and bitfinex",
        "A nonce that is not above the last is refused: calls of one key go one at a time.",
        (f"{OURS}::test_calls_of_one_key_arrive_in_the_order_of_their_nonces",),
    ),
    Trap(
        "1.3 crossed and quiet books",
        "A book that crosses, or stands still while REST moves, is wrong, whatever its numbers say.",
        (
            "tests/connectors/test_coinbaseexchange.py::test_a_book_that_crosses_is_broken",
            "tests/connectors/test_guards.py::test_a_book_streamed_without_a_hole_that_is_not_the_venues",
        ),
    ),
)
