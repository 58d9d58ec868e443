// A cache on the connection that a program has anyway.
#include <iostream>
#include <stele/libpq.hpp>
#include <stele/stele.hpp>

int main() {
    PGconn* connection = PQconnectdb("");  // as the environment says
    if (PQstatus(connection) != CONNECTION_OK) {
        std::cerr << PQerrorMessage(connection);
        PQfinish(connection);
        return 1;
    }
    {
        stele::Database database = stele::open_on(connection, {.schema = "hello"});
        stele::SemanticCache cache(database, nullptr);
        cache.put("Where is my order?", "In your account, under Orders.", "acme");
        if (const auto hit = cache.get("where is my order?", "acme")) std::cout << hit->response << "\n";
    }
    PGresult* count = PQexec(connection, "SELECT count(*) FROM hello.entries");  // it is the program's again
    std::cout << PQgetvalue(count, 0, 0) << " entries\n";
    PQclear(count);
    PQfinish(connection);
}
