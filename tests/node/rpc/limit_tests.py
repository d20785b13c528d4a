"""Where the limits are tested that no attack of `test_hostile_clients.py` runs into.

A limit is in exactly one of three places: an attack names it, a test elsewhere does, or no client
can run into it, for the reason given. A limit that is in none fails the test of the list.
"""

from typing import Final

_EVENTS: Final = "tests/node/rpc/test_events.py"
_ROLLUP: Final = "tests/node/rpc/test_rollup.py"
_SENDING: Final = "tests/node/rpc/test_sending.py"
_SERVER: Final = "tests/node/rpc/test_server.py"
_PORTFOLIO: Final = "tests/node/rpc/test_margin_simulate.py::test_malformed_portfolio_is_refused"
_TYPED: Final = (
    "tests/node/rpc/test_typed_data.py::test_typed_data_that_is_wrong_is_refused_with_what_is_wrong"
)
_TRADE_CALL: Final = "tests/node/rpc/trade/test_trade_orders.py::test_malformed_call_is_refused"
_TRADE_SOCKETS: Final = "tests/node/rpc/trade/test_trade_subscriptions.py"

TESTED_ELSEWHERE: Final = {
    "RPC_SOCKET_MESSAGES_MAX": f"{_SERVER}::test_subscriber_that_does_not_read_is_dropped",
    "RPC_SOCKET_BYTES_MAX": f"{_SERVER}::test_subscriber_that_does_not_read_is_dropped",
    "RPC_FILTER_IDLE_SECONDS_MAX": f"{_EVENTS}::test_filter_nobody_polls_is_forgotten",
    "RPC_FEED_EVENTS_MAX": (
        f"{_EVENTS}::test_filter_that_missed_events_is_gone_rather_than_incomplete"
    ),
    "RPC_FEED_REORG_BLOCKS_MAX": (
        f"{_EVENTS}::test_feed_goes_on_after_a_fork_deeper_than_its_memory"
    ),
    "RPC_PENDING_SECONDS_MAX": (
        "tests/node/rpc/test_pending.py::test_slow_transactions_are_not_begun_after_the_limit"
    ),
    "RPC_PENDING_REST": (
        "tests/node/rpc/test_pending.py"
        "::test_who_asks_while_the_pool_never_rests_waits_for_his_share"
    ),
    "RPC_SYNC_SECONDS": f"{_SENDING}::test_receipt_is_waited_for_as_long_as_the_limits_say",
    "RPC_SYNC_SECONDS_MAX": f"{_SENDING}::test_receipt_is_waited_for_as_long_as_the_limits_say",
    "RPC_SYNC_WAITING_MAX": (
        f"{_SENDING}::test_too_many_who_wait_are_refused_before_anything_is_sent"
    ),
    "RPC_BATCH_BLOCKS_MAX": f"{_ROLLUP}::test_batch_of_more_blocks_than_are_listed_says_so",
    "RPC_DEPOSITS_SCANNED_MAX": f"{_ROLLUP}::test_search_for_deposits_stops_where_it_says",
    "RPC_WITHDRAWAL_BLOCKS_MAX": (
        "tests/bridge/test_withdrawal_rpc.py::test_search_for_withdrawals_stops_where_it_says"
    ),
    "RPC_L1_VIEW_SECONDS": (
        "tests/bridge/test_withdrawal_rpc.py::test_view_of_l1_serves_for_a_while"
    ),
    "RPC_LOGS_MAX": (
        "tests/node/rpc/test_eth.py::test_log_query_beyond_the_limits_says_what_to_ask_instead"
    ),
    "RPC_TRACE_SECONDS": "tests/node/rpc/debug/test_traces.py::test_timeout_stops_a_trace",
    "RPC_TRACE_SECONDS_MAX": "tests/node/rpc/debug/test_traces.py::test_timeout_stops_a_trace",
    "RPC_DEPOSITS_MAX": f"{_ROLLUP}::test_filter_of_another_shape_is_refused",
    "RPC_WITHDRAWALS_MAX": f"{_ROLLUP}::test_filter_of_another_shape_is_refused",
    "powers.DUMP_BYTES_MAX": (
        "tests/node/powers/test_dump.py::test_archive_that_unpacks_to_too_much_refused"
    ),
    "RPC_TYPED_DATA_TYPES_MAX": _TYPED,
    "RPC_TYPED_DATA_MEMBERS_MAX": _TYPED,
    "RPC_TYPED_DATA_VALUES_MAX": _TYPED,
    "margin.PERPS_MAX": _PORTFOLIO,
    "margin.SERIES_MAX": _PORTFOLIO,
    "margin.SIZE_MAX": _PORTFOLIO,
    "margin.AMOUNT_MAX": _PORTFOLIO,
    "margin.PRICE_MIN": _PORTFOLIO,
    "margin.PPM_MAX": _PORTFOLIO,
    "trade.DEPTH_MAX": _TRADE_CALL,
    "trade.PAGE_MAX": _TRADE_CALL,
    "trade.CANDLES_MAX": _TRADE_CALL,
    "trade.LISTENERS_MAX": f"{_TRADE_SOCKETS}::test_listeners_beyond_the_limit_are_refused",
    "trade.HOUSE_LISTENED_MAX": (
        "tests/node/rpc/trade/test_trade_house.py::test_questions_after_a_block_are_limited"
    ),
    "CONSOLE_LINES_MAX": "tests/node/test_console.py::test_lines_of_a_transaction_are_bounded",
    "CONSOLE_BYTES_MAX": "tests/node/test_console.py::test_bytes_of_a_transaction_are_bounded",
    "CONSOLE_LINE_CHARACTERS_MAX": "tests/node/test_console.py::test_long_line_is_cut",
}
"""Where each limit is run into."""

_OF_VALUES: Final = "a range of values, which costs nothing: what the contract takes"
_OWN_PACE: Final = "the node's own pace or memory, which no request moves"
_DEVNET: Final = "the powers of a devnet exist for its owner alone, on a loopback address"

INWARD: Final = {
    "RPC_BATCH_YIELD_ITEMS": "the server's own manners; batches beside honest calls are measured",
    "RPC_SHUTDOWN_SECONDS_MAX": "only the operator stops a node",
    "RPC_CLOSE_SECONDS_MAX": "how long the node takes leave of a client that it has dropped",
    **dict.fromkeys(
        (
            "RPC_FEED_LOGS_MAX",
            "RPC_FEED_TRANSACTIONS_MAX",
            "RPC_FEE_SAMPLE_BLOCKS",
            "RPC_FEE_SAMPLES_A_BLOCK",
            "trade.DEPTH_DEFAULT",
            "trade.DEPTHS",
            "trade.PAGE_DEFAULT",
            "trade.WHOLE_BOOK",
            "margin.FUNDING_BLOCKS_DEFAULT",
        ),
        _OWN_PACE,
    ),
    **dict.fromkeys(
        (
            "margin.PRICE_MAX",
            "margin.STRIKE_MAX",
            "margin.DISCOUNT_MIN",
            "margin.DISCOUNT_MAX",
            "margin.VOLATILITY_MIN",
            "margin.VOLATILITY_MAX",
            "margin.EXPIRY_SECONDS_MAX",
        ),
        _OF_VALUES,
    ),
    **dict.fromkeys(
        (
            "powers.MESSAGE_BYTES_MAX",
            "powers.MINED_BLOCKS_MAX",
            "powers.OFFSET_SECONDS_MAX",
            "powers.SKIP_UNSETTLED_SECONDS_MAX",
            "powers.SETTLE_SECONDS_MAX",
            "powers.SNAPSHOTS_MAX",
            "powers.FREEZE_SECONDS_MAX",
            "powers.DRAIN_SECONDS_MAX",
            "powers.ANSWER_SECONDS_MAX",
            "powers.MINE_SECONDS_MAX",
            "powers.RETRY_SECONDS",
            "powers.COPY_ATTEMPTS_MAX",
            "powers.DUMP_ANSWER_BYTES_MAX",
            "powers.CODE_BYTES_MAX",
        ),
        _DEVNET,
    ),
}
"""Limits that no client runs into, and why."""
