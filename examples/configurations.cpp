// Settings that every process of an application shares, typed, with what they were before.
#include <iostream>

#include "stele/configuration.hpp"

namespace support {

struct Settings {
    std::string model = "small";
    double temperature = 0.2;
};
STELE_DESCRIBE_AS("support.settings", Settings, (model, stele::has_default), (temperature, stele::has_default))

}  // namespace support

int main() {
    stele::Database database = stele::Database::open();
    stele::ConfigurationRepository configurations(database);

    configurations.define(support::Settings{"large", 0.1});
    // from memory, until somebody changes it: this process, another, or psql
    std::cout << configurations.load<support::Settings>()->model << '\n';

    // with something else, or not at all
    database.transaction([&](stele::Transaction& transaction) {
        configurations.in(transaction).define(support::Settings{"small", 0.1});
        configurations.in(transaction).define("support.flags", stele::Json::parse(R"({"beta": true})"));
    });
    for (const std::string& identifier : configurations.configurations()) std::cout << identifier << '\n';
}
