/*
 * The least that a supervisor can be: starts a program, waits for its end, starts it again.
 * Usage: again TIMES FILE PROGRAM WORD…
 * TIMES programs are started at once. FILE: after each end so many bytes are written to it and synced, as one that keeps a record would; "-": none.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static char record[4096];

static void start(char **program) {
  pid_t pid = vfork();
  if (pid == 0) {
    execv(program[0], program);
    _exit(127);
  }
  if (pid < 0) exit(1);
}

int main(int count, char **words) {
  if (count < 4) return 2;
  int file = strcmp(words[2], "-") == 0 ? -1 : open(words[2], O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  long place = 0, places = 1024; /* overwritten, as a database's write-ahead log is */
  for (long i = 0; file >= 0 && i < places; i++)
    if (pwrite(file, record, sizeof record, i * (long)sizeof record) < 0) return 1;
  if (file >= 0) fsync(file);
  for (int i = 0; i < atoi(words[1]); i++) start(words + 3);
  while (waitpid(-1, NULL, 0) > 0) {
    if (file >= 0) {
      if (pwrite(file, record, sizeof record, (place++ % places) * (long)sizeof record) < 0) return 1;
      if (fdatasync(file) != 0) return 1;
    }
    start(words + 3);
  }
  return 1;
}
