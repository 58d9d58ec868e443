#include "edited_file.hpp"

#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <system_error>

#include "exit_code.hpp"
#include "model_files.hpp"
#include "revision_limits.hpp"
#include "standard_input.hpp"

extern char** environ;

namespace stele::cli {
namespace {

/// While it lives, Ctrl-C is the editor's.
class SignalsForEditor {
public:
    SignalsForEditor() {
        struct sigaction ignore{};
        ignore.sa_handler = SIG_IGN;
        sigaction(SIGINT, &ignore, &interrupt_);
        sigaction(SIGQUIT, &ignore, &quit_);
    }
    SignalsForEditor(const SignalsForEditor&) = delete;
    SignalsForEditor& operator=(const SignalsForEditor&) = delete;
    ~SignalsForEditor() {
        sigaction(SIGINT, &interrupt_, nullptr);
        sigaction(SIGQUIT, &quit_, nullptr);
    }

private:
    struct sigaction interrupt_{};
    struct sigaction quit_{};
};

/// Its exit status; 128 + the signal that ended it; negative, an errno, when it could not be started.
int run_shell(const std::string& command, const std::string& argument) {
    std::string line = command + " \"$1\"", name = "sh", option = "-c", argument_copy = argument;
    char* words[] = {name.data(), option.data(), line.data(), name.data(), argument_copy.data(), nullptr};
    const SignalsForEditor guard;
    posix_spawnattr_t settings;
    posix_spawnattr_init(&settings);
    sigset_t ordinary;
    sigemptyset(&ordinary);
    sigaddset(&ordinary, SIGINT);
    sigaddset(&ordinary, SIGQUIT);
    posix_spawnattr_setsigdefault(&settings, &ordinary);
    posix_spawnattr_setflags(&settings, POSIX_SPAWN_SETSIGDEF);
    pid_t child = 0;
    const int failure = ::posix_spawn(&child, "/bin/sh", nullptr, &settings, words, environ);
    posix_spawnattr_destroy(&settings);
    if (failure != 0) return -failure;
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

std::string editor_command() {
    for (const char* variable : {"VISUAL", "EDITOR"}) {
        const char* editor = std::getenv(variable);
        if (editor != nullptr && *editor != '\0') return editor;
    }
    refuse("no editor is named: set VISUAL or EDITOR");
}

EditedFile::EditedFile(std::string_view text, std::string_view type) : before_(text) {
    std::error_code none;
    std::filesystem::path place = std::filesystem::temp_directory_path(none);
    if (none) place = "/tmp";
    std::string name = (place / fmt::format("stele-edit-XXXXXX{}", type)).string();
    const int file = ::mkstemps(name.data(), static_cast<int>(type.size()));  // mode 0600
    if (file < 0) fail_file(fmt::format("cannot create a file in {}", place.string()), errno);
    ::close(file);
    path_ = name;
    try {
        write_file(path_, text);
    } catch (...) {
        std::filesystem::remove(path_, none);
        throw;
    }
}

EditedFile::~EditedFile() {
    std::error_code ignored;
    if (!kept_) std::filesystem::remove(path_, ignored);
}

std::string EditedFile::read() const {
    return read_input("what was edited", path_.string(), kLongestContent);
}

std::string EditedFile::edit(const std::string& editor) {
    const int status = run_shell(editor, path_.string());
    if (status < 0) {
        fail(ErrorCode::resources,
             fmt::format("no shell can be started: {}", std::generic_category().message(-status)));
    }
    if (status == 0) return read();
    std::string message = fmt::format("the editor `{}` ended with exit status {}; nothing was changed", editor, status);
    std::error_code gone;
    if (std::filesystem::exists(path_, gone) && read() != before_) {
        keep();
        message += fmt::format(", and what it saved is in {}", path_.string());
    }
    refuse(std::move(message));
}

}  // namespace stele::cli
