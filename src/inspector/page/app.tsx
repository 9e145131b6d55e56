import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { follow } from "./data/feed.ts";
import { followMoment, loadServices } from "./data/services.ts";
import { findSession, session } from "./data/session.ts";
import { Refused } from "./data/http.ts";
import { followUsage } from "./data/usage.ts";
import { Boots } from "./past/boots.tsx";
import { Compare } from "./past/compare.tsx";
import { Entrance } from "./entrance.tsx";
import { Header } from "./header.tsx";
import { Machines } from "./machine/machines.tsx";
import { Overview } from "./overview/overview.tsx";
import { Palette } from "./palette.tsx";
import { Scrubber } from "./past/scrubber.tsx";
import { ServicePage } from "./service/service-page.tsx";
import { Workbench } from "./machine/workbench.tsx";
import { Empty } from "./parts/empty.tsx";
import { ConfirmHost } from "./parts/confirm.tsx";
import { ToastHost } from "./parts/toast.tsx";
import { useKeys } from "./keys.ts";
import { place } from "./router.ts";

export function App(): JSX.Element {
  useEffect(() => void findSession(), []);
  const { value } = session;
  if (value === "asking") return <Empty title="Asking the daemon who we are…" />;
  if (value instanceof Refused)
    return (
      <Empty
        title="The daemon does not answer"
        action={{ text: "Try again", run: () => void findSession() }}
      >
        {value.message} Is it running? <code>sprite-env list</code> says so.
      </Empty>
    );
  if (value === "none") return <Entrance />;
  return value.mode === "workbench" ? <WorkbenchShell /> : <DaemonShell />;
}

function DaemonShell(): JSX.Element {
  useEffect(() => {
    void loadServices();
    void follow();
    followMoment();
    followUsage();
  }, []);
  useKeys();
  return (
    <div class="shell">
      <a class="skip" href="#main">
        Skip to the content
      </a>
      <Header />
      <main id="main" tabIndex={-1}>
        <View />
      </main>
      <Scrubber />
      <Palette />
      <ConfirmHost />
      <ToastHost />
    </div>
  );
}

function WorkbenchShell(): JSX.Element {
  return (
    <div class="shell shell-workbench">
      <Header />
      <main id="main" tabIndex={-1}>
        <Workbench />
      </main>
      <ToastHost />
    </div>
  );
}

function View(): JSX.Element {
  const [view, name] = place.value.path;
  switch (view) {
    case undefined:
      return <Overview />;
    case "service":
      return name === undefined ? <Overview /> : <ServicePage name={name} key={name} />;
    case "boots":
      return <Boots />;
    case "compare":
      return <Compare />;
    case "machine":
      return <Machines />;
    default:
      return (
        <Empty title="There is no such page" action={{ text: "To the overview", to: "#/" }}>
          Nothing of this program is called “{view}”.
        </Empty>
      );
  }
}
