// Many callers, few connections: what a statement says about itself decides how it travels.
#include <iostream>
#include <thread>
#include <vector>

#include "stele/database.hpp"

int main() {
    stele::Database database = stele::Database::open({.schema = "shared_example", .bare = true});
    database.execute("CREATE SCHEMA IF NOT EXISTS shared_example");
    database.execute("CREATE TABLE IF NOT EXISTS shared_example.notes (id int PRIMARY KEY, text text)");

    std::vector<std::thread> callers;
    for (int id = 0; id < 64; ++id) {
        callers.emplace_back([&database, id] {
            // one commit for all who write at this moment; each is told when it is durable, and of its own error
            stele::Statement write(
                "INSERT INTO shared_example.notes VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET text = EXCLUDED.text",
                id, "note " + std::to_string(id));
            database.execute(write.group_commit("notes/" + std::to_string(id)));

            // one statement over arrays for all who look up a key at this moment
            stele::Statement read("SELECT text FROM shared_example.notes WHERE id = $1", id);
            if (const auto row = database.query_one(read.read_by_key())) {
                if (id == 7) std::cout << row->get<std::string>("text") << '\n';
            }
        });
    }
    for (std::thread& caller : callers) caller.join();
}
