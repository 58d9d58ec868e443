// read_bert_config: four files, one a line, are refused or give a model that can be run.
#include <array>
#include <optional>

#include "embedding/bert_config.hpp"
#include "fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view rest = as_text(data, size);
    std::array<std::optional<std::string_view>, 4> files;
    for (auto& file : files) {
        const std::size_t end = rest.find('\n');
        if (!rest.empty()) file = rest.substr(0, end);
        rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    }
    const auto config = stele::read_bert_config(files[0].value_or(""), files[1], files[2], files[3]);
    if (!config) {
        require(config.error().code == stele::ErrorCode::invalid_argument && config.error().message.size() < 400);
        return 0;
    }
    require(config->hidden > 0 && config->hidden % 32 == 0 && config->heads > 0 && config->hidden % config->heads == 0);
    require(config->intermediate > 0 && config->intermediate % 32 == 0 && config->layers > 0);
    require(config->vocabulary > 0 && config->type_vocabulary > 0 && config->max_positions > 0);
    require(config->hidden * config->vocabulary <= 1'000'000'000);
    require(config->layers * config->hidden * config->intermediate <= 1'000'000'000);
    require(config->max_length >= 3 && config->max_length <= config->max_positions);
    require(config->layer_norm_epsilon >= 0 && config->layer_norm_epsilon <= 0.1F);
    return 0;
}
