//! [`tree`]: who has spawned whom, where each waits, and for whom.
//!
//! Made from what the tasks' headers say, when it is asked for. A task that awaits a handle has noted
//! there whose; one that awaits many at once (`gather`, `JoinSet`, a scope) says only which operation
//! it is in: those it waits for are mostly its children, below it in the tree.

use std::collections::HashMap;
use std::fmt;

use super::{Id, TaskInfo};

/// The live tasks of the current runtime as a tree of spawns; to be printed, or looked through.
///
/// Costs what [`all`](super::all) does, and a little for the sorting; polls no task.
///
/// # Panics
/// Outside a runtime. For another runtime, collect its [`tasks`](crate::runtime::Handle::tasks).
///
/// # Examples
/// ```
/// use heist::task;
///
/// # heist::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let parent = task::Builder::new().name("parent").spawn(async {
///     let child = task::Builder::new().name("child").spawn(std::future::pending::<()>());
///     child.await
/// });
/// task::yield_now().await;
/// // task 1 `parent` waits in JoinHandle at .. for task 2, spawned at ..
/// //   task 2 `child` waits, spawned at .. by task 1, .., awaited by task 1
/// println!("{}", task::tree());
/// # let (tree, parent) = (task::tree(), parent.id());
/// # let (_, child) = tree.iter().find(|(depth, _)| *depth == 1).unwrap();
/// # assert_eq!(tree.awaiter(child.id()).unwrap().id(), parent);
/// # });
/// ```
#[track_caller]
pub fn tree() -> TaskTree {
    super::all().into_iter().collect()
}

/// Tasks as a tree of spawns; see [`tree`].
#[derive(Clone, Debug)]
pub struct TaskTree {
    /// Each behind the one that has spawned it, with its depth.
    tasks: Vec<(usize, TaskInfo)>,
    /// By the id of the awaited, the place of the awaiter among the tasks.
    awaiters: HashMap<Id, usize>,
}

impl TaskTree {
    /// The tasks, each with its depth: a task whose parent lives comes behind it and one deeper, any
    /// other has the depth zero.
    pub fn iter(&self) -> impl Iterator<Item = (usize, &TaskInfo)> {
        self.tasks.iter().map(|(depth, task)| (*depth, task))
    }

    /// The task that awaits the handle of this one, if one does.
    pub fn awaiter(&self, task: Id) -> Option<&TaskInfo> {
        self.awaiters.get(&task).map(|&at| &self.tasks[at].1)
    }
}

impl FromIterator<TaskInfo> for TaskTree {
    fn from_iter<I: IntoIterator<Item = TaskInfo>>(tasks: I) -> TaskTree {
        let mut tasks: HashMap<Id, TaskInfo> =
            tasks.into_iter().map(|task| (task.id(), task)).collect();
        let mut children: HashMap<Option<Id>, Vec<Id>> = HashMap::new();
        for (&id, task) in &tasks {
            let parent = task.parent().filter(|parent| tasks.contains_key(parent));
            children.entry(parent).or_default().push(id);
        }
        // The lowest id comes first, so it is to be the last on the stack.
        children.values_mut().for_each(|ids| ids.sort_unstable_by(|a, b| b.cmp(a)));
        let mut tree = TaskTree { tasks: Vec::new(), awaiters: HashMap::new() };
        let mut open: Vec<(usize, Id)> = Vec::new();
        let mut open_all = |open: &mut Vec<_>, depth, parent| {
            let ids = children.remove(&parent).unwrap_or_default();
            open.extend(ids.into_iter().map(|id| (depth, id)));
        };
        open_all(&mut open, 0, None);
        while let Some((depth, id)) = open.pop() {
            let task = tasks.remove(&id).expect("a task has one parent");
            if let Some(awaited) = task.awaits() {
                tree.awaiters.insert(awaited, tree.tasks.len());
            }
            tree.tasks.push((depth, task));
            open_all(&mut open, depth + 1, Some(id));
        }
        tree
    }
}

/// A line a task, further in the deeper it is.
impl fmt::Display for TaskTree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (depth, task) in self.iter() {
            write!(f, "{:1$}{task}", "", depth * 2)?;
            if let Some(awaiter) = self.awaiter(task.id()) {
                write!(f, ", awaited by task {}", awaiter.id())?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}
