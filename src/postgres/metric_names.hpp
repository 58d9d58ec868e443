// Every metric of this layer. Dashboards and alerts of users name them: a change is a breaking change, and the golden
// list in tests/postgres/metrics_test.cpp and docs/observability.md change with it.
#pragma once

#include "stele/metrics.hpp"

namespace stele {

inline constexpr double kSecondsBounds[] = {0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001,
                                            0.0025,  0.005,    0.01,    0.025,  0.05,    0.1,    0.25,
                                            0.5,     1,        2.5,     5,      10,      30};
inline constexpr double kStatementBounds[] = {1, 2, 4, 8, 16, 32, 64, 128, 256, 1024};

inline constexpr HistogramInfo kCallSeconds{
    "stele_postgres_call_duration_seconds", "Time of a call, with everything it waited for.", {"kind"}, kSecondsBounds};
inline constexpr CounterInfo kCallErrors{
    "stele_postgres_call_errors_total", "Calls that failed, by the code of their Error.", {"code"}};
inline constexpr HistogramInfo kQueueSeconds{
    "stele_postgres_queue_duration_seconds",
    "Time that a call waited for a connection, or in a lane until it was sent.",
    {"lane"},
    kSecondsBounds};
inline constexpr HistogramInfo kRoundTripSeconds{"stele_postgres_round_trip_duration_seconds",
                                                 "Time from sending a group of statements to the answer to its Sync.",
                                                 {"lane"},
                                                 kSecondsBounds};
inline constexpr HistogramInfo kRoundTripStatements{"stele_postgres_round_trip_statements",
                                                    "Statements of callers that shared a round trip.",
                                                    {"lane"},
                                                    kStatementBounds};
inline constexpr HistogramInfo kConnectSeconds{"stele_postgres_connect_duration_seconds",
                                               "Time to make a connection, back-off and initialisation included.",
                                               {"lane"},
                                               kSecondsBounds};
inline constexpr CounterInfo kConnectFailures{
    "stele_postgres_connect_failures_total", "Attempts to connect that failed.", {"lane"}};
inline constexpr CounterInfo kConnectionsLost{
    "stele_postgres_connections_lost_total", "Connections that died or were found dead.", {"lane"}};
inline constexpr CounterInfo kReconnects{
    "stele_postgres_reconnects_total", "Connections made instead of one that was lost.", {"lane"}};
inline constexpr CounterInfo kSentAgain{
    "stele_postgres_sent_again_total", "Requests that were sent once more, by the reason.", {"reason"}};
inline constexpr CounterInfo kTransactionsAgain{"stele_postgres_transactions_again_total",
                                                "Transactions that Database::transaction ran once more."};
inline constexpr CounterInfo kCommitsInDoubt{
    "stele_postgres_commits_in_doubt_total",
    "Commits whose connection died before their answer, by what became of them.",
    {"resolution"}};
inline constexpr HistogramInfo kChangeStaleness{
    "stele_postgres_change_staleness_seconds",
    "How long ago everything committed had last been known, each time a look at the change log renewed it.",
    {},
    kSecondsBounds};
inline constexpr CounterInfo kChangeLooks{
    "stele_postgres_change_looks_total", "Looks at the change log, by how they ended.", {"result"}};
inline constexpr CounterInfo kChangeHints{
    "stele_postgres_change_hints_total", "Hints of changes, sent to other processes and received.", {"direction"}};
inline constexpr GaugeInfo kPoolConnections{
    "stele_postgres_pool_connections", "Connections of the pool, by state.", {"state"}};
inline constexpr GaugeInfo kPoolWaiting{"stele_postgres_pool_waiting", "Callers in line for a connection."};
inline constexpr GaugeInfo kPoolMaximum{"stele_postgres_pool_max_connections", "Connections that the pool may have."};

}  // namespace stele
