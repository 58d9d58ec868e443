#include "pipelined_postgres.hpp"

#include <poll.h>

#include <algorithm>
#include <deque>
#include <stdexcept>
#include <tuple>
#include <vector>

namespace stele::bench {

PipelinedConnection::PipelinedConnection(const std::string& dsn) : connection_(dsn) {
    connection_.prepare("select", kSelect);
    connection_.prepare("upsert", kUpsert);
    if (PQsetnonblocking(connection_.get(), 1) != 0 || PQenterPipelineMode(connection_.get()) != 1) {
        throw std::runtime_error(PQerrorMessage(connection_.get()));
    }
}

std::size_t PipelinedConnection::select(Keys& keys, std::size_t window, Time until) {
    std::deque<const Key*> under_way;
    std::size_t answered = 0;
    for (bool more = true; more || !under_way.empty(); more = more && std::chrono::steady_clock::now() < until) {
        while (more && under_way.size() < window) {
            under_way.push_back(&keys.draw());
            send("select", *under_way.back(), nullptr);
            if (PQpipelineSync(connection_.get()) != 1) throw std::runtime_error(PQerrorMessage(connection_.get()));
        }
        flush_and_wait();
        while (!under_way.empty() && PQisBusy(connection_.get()) == 0) {
            const RawConnection::Result row = next();
            if (PQresultStatus(row.get()) != PGRES_TUPLES_OK) throw std::runtime_error("no rows");
            check(*under_way.front(), static_cast<std::size_t>(PQntuples(row.get())),
                  {PQgetvalue(row.get(), 0, 0), static_cast<std::size_t>(PQgetlength(row.get(), 0, 0))});
            under_way.pop_front();
            ++answered;
            next();  // the end of the command
            while (PQisBusy(connection_.get()) != 0) flush_and_wait();
            next();  // the Sync
        }
    }
    return answered;
}

std::size_t PipelinedConnection::upsert(Keys& keys, std::size_t rows, Time until) {
    std::size_t committed = 0;
    while (std::chrono::steady_clock::now() < until) {
        // in the order of their keys, or the two connections would wait for each other
        std::vector<const Key*> batch;
        for (std::size_t i = 0; i < rows; ++i) batch.push_back(&keys.draw());
        const auto place = [](const Key* key) { return std::tie(key->name_space, key->query_hash); };
        std::sort(batch.begin(), batch.end(), [&](const Key* a, const Key* b) { return place(a) < place(b); });
        for (const Key* key : batch) {
            const std::string response = response_of(*key);
            send("upsert", *key, &response);
        }
        if (PQpipelineSync(connection_.get()) != 1) throw std::runtime_error(PQerrorMessage(connection_.get()));
        for (bool synced = false; !synced;) {
            flush_and_wait();
            while (!synced && PQisBusy(connection_.get()) == 0) {
                const RawConnection::Result result = next();
                if (!result) continue;
                synced = PQresultStatus(result.get()) == PGRES_PIPELINE_SYNC;
                if (!synced && PQresultStatus(result.get()) != PGRES_COMMAND_OK) {
                    throw std::runtime_error(PQresultErrorMessage(result.get()));
                }
            }
        }
        committed += rows;
    }
    return committed;
}

void PipelinedConnection::send(const char* statement, const Key& key, const std::string* response) {
    const char* const values[] = {key.name_space.c_str(), key.query_hash.c_str(),
                                  response == nullptr ? nullptr : response->c_str()};
    if (PQsendQueryPrepared(connection_.get(), statement, response == nullptr ? 2 : 3, values, nullptr, nullptr, 0) !=
        1) {
        throw std::runtime_error(PQerrorMessage(connection_.get()));
    }
}

void PipelinedConnection::flush_and_wait() {
    PGconn* const connection = connection_.get();
    const int unsent = PQflush(connection);
    pollfd entry{PQsocket(connection), static_cast<short>(unsent == 1 ? POLLIN | POLLOUT : POLLIN), 0};
    if (unsent < 0 || ::poll(&entry, 1, -1) < 0 || PQconsumeInput(connection) != 1) {
        throw std::runtime_error(PQerrorMessage(connection));
    }
}

RawConnection::Result PipelinedConnection::next() {
    return RawConnection::Result(PQgetResult(connection_.get()));
}

}  // namespace stele::bench
