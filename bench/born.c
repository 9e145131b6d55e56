/* A service that says when its main() began, then waits to be killed. Usage: born FIFO */
#include <fcntl.h>
#include <stdint.h>
#include <time.h>
#include <unistd.h>

int main(int count, char **words) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  int64_t birth[2] = {now.tv_sec * 1000000000LL + now.tv_nsec, getpid()};
  int fifo = count == 2 ? open(words[1], O_WRONLY | O_CLOEXEC) : -1;
  if (write(fifo, birth, sizeof birth) != sizeof birth) return 1;
  close(fifo);
  for (;;) pause();
}
