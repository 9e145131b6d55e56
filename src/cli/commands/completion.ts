import { defineCommand } from "citty";
import { AppError } from "../../base/errors.ts";
import { nearest } from "../../base/nearest.ts";
import { SCRIPTS } from "../completion-scripts.ts";
import { printBytes } from "../output.ts";

export const completion = defineCommand({
  meta: {
    name: "completion",
    description: "Print the script that makes Tab complete verbs, flags and names of services",
    notes: [
      "For bash, in ~/.bashrc: source <(sprite-env completion bash)",
      "For zsh, in ~/.zshrc after compinit: source <(sprite-env completion zsh)",
      "For fish: sprite-env completion fish > ~/.config/fish/completions/sprite-env.fish",
    ],
    examples: [
      "sprite-env completion bash > ~/.local/share/bash-completion/completions/sprite-env",
      "sprite-env completion zsh",
      "sprite-env completion fish",
    ],
  },
  args: {
    shell: {
      type: "positional",
      required: true,
      description: "bash, zsh or fish",
      complete: "shell",
    },
  },
  run: ({ args: { shell } }) => {
    const script = Object.hasOwn(SCRIPTS, shell) ? SCRIPTS[shell] : undefined;
    if (script !== undefined) return printBytes(Buffer.from(script));
    const guess = nearest(shell, Object.keys(SCRIPTS));
    throw new AppError(
      "invalid_request",
      `there is no completion for "${shell}": ${guess ? `did you mean ${guess}? ` : ""}it is made for bash, zsh and fish`,
    );
  },
});
